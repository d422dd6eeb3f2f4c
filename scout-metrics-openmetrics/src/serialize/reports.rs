//! The faults of an exposition: deviations and errors.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{Deviation, ParseError};

impl Serialize for Deviation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Deviation", 4)?;
        fields.serialize_field("rule", &self.rule)?;
        fields.serialize_field("line", &self.line)?;
        fields.serialize_field("column", &self.column)?;
        fields.serialize_field("message", self.message())?;
        fields.end()
    }
}

impl Serialize for ParseError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let position = self.position();
        let mut fields = serializer.serialize_struct("ParseError", 6)?;
        fields.serialize_field("kind", &self.kind())?;
        fields.serialize_field("rule", &self.rule())?;
        fields.serialize_field("line", &position.line)?;
        fields.serialize_field("column", &position.column)?;
        fields.serialize_field("offset", &position.offset)?;
        fields.serialize_field("message", self.message())?;
        fields.end()
    }
}
