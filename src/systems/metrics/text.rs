//! Prometheus' text format, as far as one metric's samples go: `name{label="value"} 1.7e9`.

/// One sample of a metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// Its labels.
    pub labels: Vec<(String, String)>,
    /// Its value.
    pub value: f64,
}

/// The samples of a metric; lines that can't be read are left out.
pub(super) fn samples<'t>(text: &'t str, metric: &'t str) -> impl Iterator<Item = Sample> + 't {
    text.lines()
        .filter_map(move |line| sample(line.trim(), metric))
}

fn sample(line: &str, metric: &str) -> Option<Sample> {
    let rest = line.strip_prefix(metric)?;
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        // Another metric whose name begins alike.
        None => (Vec::new(), rest.strip_prefix([' ', '\t'])?),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { labels, value })
}

/// Labels up to the closing brace, and what stands behind it.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, behind) = rest.split_once("=\"")?;
        let (value, behind) = quoted(behind)?;
        labels.push((name.trim().to_owned(), value));
        rest = behind;
    }
}

/// A value up to its closing quote, its escapes undone.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_their_labels_and_others_left_alone() {
        let text = "# TYPE t gauge\nt 1.7e9\nt{a=\"b\",c=\"d\\\"}\"} 2\nt_total 3\nt{a=\"b\"\n t 4 1700000000\nt NaN\n# EOF\n";
        let all: Vec<Sample> = samples(text, "t").collect();
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            all[0],
            Sample {
                labels: vec![],
                value: 1.7e9
            }
        );
        assert_eq!(all[1].labels, [label("a", "b"), label("c", "d\"}")]);
        assert_eq!((all[1].value, all[2].value), (2.0, 4.0));
        assert!(all[3].value.is_nan());
        assert_eq!(all.len(), 4);
    }
}
