//! Amounts as Kubernetes writes them: `500m`, `1.5`, `128Mi`, `2e3`.

/// How many units a suffix stands for.
const SUFFIXES: [(&str, f64); 16] = [
    ("", 1.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
];

/// The amount, where the text is one, and no less than nothing.
pub fn parse(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let amount = match suffix.strip_prefix(['e', 'E']).filter(|exponent| !exponent.is_empty()) {
        Some(exponent) if exponent.parse::<i32>().is_ok() => text.parse::<f64>().ok()?,
        _ => {
            let (_, scale) = SUFFIXES.iter().find(|(known, _)| *known == suffix)?;
            number.parse::<f64>().ok()? * scale
        }
    };
    Some(amount).filter(|amount| *amount >= 0.0 && amount.is_finite())
}

#[cfg(test)]
mod tests;
