//! A finding is a part of a cell that a rule does something about.

#[cfg(test)]
mod tests;

/// From where to where, and by which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Rules that come first win among findings of one length.
    pub(crate) rule: u32,
}

/// Makes one finding of those that overlap, in place: from the first's start to the last's end, by the rule of the
/// longest. So nothing that any rule found is left standing.
pub(crate) fn merge(findings: &mut Vec<Finding>) {
    if findings.len() < 2 {
        return;
    }
    // Matches come by start; only checks that look around break that.
    if !findings.is_sorted_by_key(|finding| finding.start) {
        findings.sort_unstable_by_key(|finding| finding.start);
    }
    let mut kept = 0;
    let mut winner = findings[0].length();
    for next in 1..findings.len() {
        let finding = findings[next];
        let last = &mut findings[kept];
        if finding.start < last.end {
            let (length, rule) = (finding.length(), finding.rule);
            if length > winner || (length == winner && rule < last.rule) {
                winner = length;
                last.rule = rule;
            }
            last.end = last.end.max(finding.end);
        } else {
            kept += 1;
            findings[kept] = finding;
            winner = finding.length();
        }
    }
    findings.truncate(kept + 1);
}

impl Finding {
    fn length(&self) -> u32 {
        self.end - self.start
    }
}
