//! What an update says about one field: nothing, empty it, or a new value.

/// The three states of a field in an update (axl.md 5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Not mentioned: unchanged on update, the default on add.
    #[default]
    Absent,
    /// Mentioned empty or nil: emptied, or back to the default where empty is no value.
    Clear,
    /// A new value.
    Value(T),
}

impl<T> Patch<T> {
    /// The field after this patch.
    pub fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Absent => before,
            Self::Clear => None,
            Self::Value(value) => Some(value),
        }
    }
}
