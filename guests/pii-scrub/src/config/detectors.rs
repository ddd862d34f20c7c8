//! The detectors of a configuration: a list of names, or a map of names with options.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::DetectorOptions;
use crate::detector::Detector;

/// Detectors in order, each once.
#[derive(Debug)]
pub(crate) struct Detectors(pub(crate) Vec<(Detector, DetectorOptions)>);

impl Detectors {
    fn add<E: de::Error>(&mut self, detector: Detector, options: DetectorOptions) -> Result<(), E> {
        if self.0.iter().any(|(known, _)| *known == detector) {
            return Err(E::custom("the detector is named twice"));
        }
        self.0.push((detector, options));
        Ok(())
    }
}

impl Default for Detectors {
    fn default() -> Self {
        Detectors(Detector::ALL.into_iter().map(|detector| (detector, DetectorOptions::default())).collect())
    }
}

impl<'de> Deserialize<'de> for Detectors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named;

        impl<'de> Visitor<'de> for Named {
            type Value = Detectors;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of detectors, or a map of detectors and their options")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Detectors, A::Error> {
                let mut detectors = Detectors(Vec::new());
                while let Some(detector) = names.next_element()? {
                    detectors.add(detector, DetectorOptions::default())?;
                }
                Ok(detectors)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Detectors, A::Error> {
                let mut detectors = Detectors(Vec::new());
                // As text first, so that an error under it can name it.
                while let Some(name) = map.next_key::<String>()? {
                    let detector = Detector::deserialize(name.into_deserializer())?;
                    let options: Option<DetectorOptions> = map.next_value()?;
                    detectors.add(detector, options.unwrap_or_default())?;
                }
                Ok(detectors)
            }
        }

        deserializer.deserialize_any(Named)
    }
}
