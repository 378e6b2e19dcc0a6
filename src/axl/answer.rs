//! Rows of get and list as bytes: in schema order, complete, within the limit of one answer.

use super::error::AxlError;
use crate::soap::document::RowShape;
use crate::soap::write::Writer;
use crate::store::objects::{Carried, Names};

/// How the objects of one answer are written.
pub struct Page<'a> {
    /// Their elements, as far as they were asked for.
    pub shape: &'a RowShape<'a>,
    /// Names of what they point at.
    pub names: &'a Names,
}

impl Page<'_> {
    /// Writes one object inside a `return`, out of documents laid over each other.
    pub fn write(&self, documents: &[&Carried]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.start("return");
        self.write_one(&mut writer, documents);
        writer.finish()
    }

    fn write_one(&self, writer: &mut Writer, documents: &[&Carried]) {
        self.shape.write(writer, documents, &|key| self.names.get(key));
    }
}

/// A list under way; nothing but `<return/>` when no row came.
pub struct Rows {
    writer: Writer,
    largest: usize,
    written: usize,
}

/// More rows than one answer may hold.
pub struct Overflow {
    fitting: usize,
}

impl Overflow {
    /// The refusal, in the words that clients page by.
    pub fn refuse(&self, total: usize) -> AxlError {
        AxlError::TooLarge { total, fewer: self.fitting.max(1) }
    }
}

impl Rows {
    /// Begins a list of at most `largest` bytes.
    pub fn begin(largest: usize) -> Self {
        let mut writer = Writer::new();
        writer.start("return");
        Self { writer, largest, written: 0 }
    }

    /// Adds a page of rows, each out of documents laid over each other.
    pub fn append<'d>(
        &mut self,
        page: &Page<'_>,
        rows: impl Iterator<Item = Vec<&'d Carried>>,
    ) -> Result<(), Overflow> {
        for documents in rows {
            page.write_one(&mut self.writer, &documents);
            if self.writer.len() > self.largest {
                return Err(Overflow { fitting: self.written });
            }
            self.written += 1;
        }
        Ok(())
    }

    /// The finished element.
    pub fn finish(self) -> Vec<u8> {
        self.writer.finish()
    }
}
