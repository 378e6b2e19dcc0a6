//! Rows of get and list as bytes: in schema order, complete, within the limit of one answer.

use serde_json::Value;

use super::error::AxlError;
use crate::soap::document::RowShape;
use crate::soap::write::Writer;
use crate::store::objects::Names;

/// How the objects of one answer are written.
pub struct Page<'a> {
    /// Their elements, as far as they were asked for.
    pub shape: &'a RowShape<'a>,
    /// Names of what they point at.
    pub names: &'a Names,
}

impl Page<'_> {
    /// Writes one object inside a `return`, given what finds its values.
    pub fn write<'d>(&self, value_of: impl Fn(&str) -> Option<&'d Value>) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.start("return");
        self.write_one(&mut writer, value_of);
        writer.finish()
    }

    fn write_one<'d>(&self, writer: &mut Writer, value_of: impl Fn(&str) -> Option<&'d Value>) {
        self.shape.write(writer, value_of, &|key| self.names.get(key));
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

    /// Adds a page of rows, given what finds the values of each.
    pub fn append<'d, F: Fn(&str) -> Option<&'d Value>>(
        &mut self,
        page: &Page<'_>,
        rows: impl Iterator<Item = F>,
    ) -> Result<(), Overflow> {
        for value_of in rows {
            page.write_one(&mut self.writer, value_of);
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
