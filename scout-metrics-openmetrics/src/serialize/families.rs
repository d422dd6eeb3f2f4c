//! Families, samples and exemplars.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeStruct,
};

use super::number::Value;
use crate::{
    CompositeValue, Exemplar, Families, LabelSet, MetricFamily, MetricType, Sample, Suffix,
    Timestamp,
};

impl Serialize for Families {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Families", 3)?;
        fields.serialize_field("families", self.as_slice())?;
        fields.serialize_field("deviations", self.deviations())?;
        fields.serialize_field("deviation_count", &self.deviation_count())?;
        fields.end()
    }
}

impl Serialize for MetricFamily {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("MetricFamily", 5)?;
        fields.serialize_field("name", self.name())?;
        fields.serialize_field("type", &self.kind())?;
        fields.serialize_field("help", self.help())?;
        fields.serialize_field("unit", self.unit())?;
        fields.serialize_field("samples", self.samples())?;
        fields.end()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "MetricFamily")]
struct FamilyFields {
    name: String,
    r#type: MetricType,
    #[serde(default)]
    help: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    samples: Vec<Sample>,
}

impl<'de> Deserialize<'de> for MetricFamily {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = FamilyFields::deserialize(deserializer)?;
        if fields.name.is_empty() {
            return Err(D::Error::custom("the name of a family is empty"));
        }
        let mut family = Self::new(fields.name, fields.r#type)
            .with_help(fields.help)
            .with_unit(fields.unit);
        for sample in fields.samples {
            family.push(sample);
        }
        Ok(family)
    }
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Few samples have them. Formats that people do not read have no names of fields, and so always all fields.
        let has_rare = !serializer.is_human_readable();
        let more = self.exemplars().get(1..).unwrap_or_default();
        let start = self.start_timestamp();
        let composite = self.composite();
        let mut fields = serializer.serialize_struct("Sample", 8)?;
        fields.serialize_field("suffix", &self.suffix())?;
        fields.serialize_field("labels", self.labels())?;
        fields.serialize_field("value", &Value(self.value()))?;
        fields.serialize_field("timestamp", &self.timestamp())?;
        fields.serialize_field("exemplar", &self.exemplar())?;
        if has_rare || !more.is_empty() {
            fields.serialize_field("more_exemplars", more)?;
        }
        if has_rare || start.is_some() {
            fields.serialize_field("start_timestamp", &start)?;
        }
        if has_rare || composite.is_some() {
            fields.serialize_field("composite", &composite)?;
        }
        fields.end()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Sample")]
struct SampleFields {
    #[serde(default)]
    suffix: Suffix,
    #[serde(default)]
    labels: LabelSet,
    value: Value,
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default)]
    exemplar: Option<Exemplar>,
    #[serde(default)]
    more_exemplars: Vec<Exemplar>,
    #[serde(default)]
    start_timestamp: Option<Timestamp>,
    #[serde(default)]
    composite: Option<CompositeValue>,
}

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = SampleFields::deserialize(deserializer)?;
        let mut sample = Self::new(fields.suffix, fields.labels, fields.value.0);
        if let Some(timestamp) = fields.timestamp {
            sample = sample.with_timestamp(timestamp);
        }
        if fields.exemplar.is_none() && !fields.more_exemplars.is_empty() {
            return Err(D::Error::custom(
                "there are more exemplars than the first one, but no first one",
            ));
        }
        let exemplars = fields.exemplar.into_iter().chain(fields.more_exemplars);
        sample = sample.with_exemplars(exemplars);
        if let Some(start) = fields.start_timestamp {
            sample = sample.with_start_timestamp(start);
        }
        match fields.composite {
            Some(composite) if Value(composite.count()) != fields.value => Err(D::Error::custom(
                "the value is not the count of the composite value",
            )),
            Some(composite) => Ok(sample.with_composite(composite)),
            None => Ok(sample),
        }
    }
}

impl Serialize for Exemplar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Exemplar", 3)?;
        fields.serialize_field("labels", self.labels())?;
        fields.serialize_field("value", &Value(self.value()))?;
        fields.serialize_field("timestamp", &self.timestamp())?;
        fields.end()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Exemplar")]
struct ExemplarFields {
    #[serde(default)]
    labels: LabelSet,
    value: Value,
    #[serde(default)]
    timestamp: Option<Timestamp>,
}

impl<'de> Deserialize<'de> for Exemplar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = ExemplarFields::deserialize(deserializer)?;
        let exemplar = Self::new(fields.labels, fields.value.0);
        Ok(match fields.timestamp {
            Some(timestamp) => exemplar.with_timestamp(timestamp),
            None => exemplar,
        })
    }
}
