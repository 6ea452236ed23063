//! The exposition format of OpenMetrics 1.0, gauges only: what a textfile collector, a Pushgateway and Prometheus read.

use std::fmt::Write as _;

/// A text of metrics. Each family is begun once, and its samples follow it.
#[derive(Debug, Default)]
pub struct Text {
    text: String,
    family: String,
}

impl Text {
    /// Begins the family `warroom_NAME`; a name that ends in `_seconds` or `_bytes` has that unit.
    pub fn family(&mut self, name: &str, help: &str) {
        self.family = format!("warroom_{name}");
        let family = &self.family;
        let _ = writeln!(self.text, "# HELP {family} {help}");
        let _ = writeln!(self.text, "# TYPE {family} gauge");
        let unit = ["seconds", "bytes"];
        if let Some(unit) = unit.iter().find(|unit| name.ends_with(**unit)) {
            let _ = writeln!(self.text, "# UNIT {family} {unit}");
        }
    }

    /// A sample of the family that was begun last.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.text, "{}{labels} {value}", self.family);
    }

    /// A sample where its value is known.
    pub fn known(&mut self, labels: &[(&str, &str)], value: Option<f64>) {
        if let Some(value) = value {
            self.sample(labels, value);
        }
    }

    /// The whole text.
    pub fn end(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_have_units_and_labels_are_escaped() {
        let mut text = Text::default();
        text.family("age_seconds", "Age.");
        text.sample(&[("name", "a \"b\"\\\n"), ("kind", "x")], 1.5);
        text.known(&[], None);
        text.family("up", "It answers.");
        text.sample(&[], 1.0);
        assert_eq!(
            text.end(),
            "# HELP warroom_age_seconds Age.\n# TYPE warroom_age_seconds gauge\n# UNIT warroom_age_seconds seconds\n\
             warroom_age_seconds{name=\"a \\\"b\\\"\\\\\\n\",kind=\"x\"} 1.5\n\
             # HELP warroom_up It answers.\n# TYPE warroom_up gauge\nwarroom_up 1\n# EOF\n"
        );
    }
}
