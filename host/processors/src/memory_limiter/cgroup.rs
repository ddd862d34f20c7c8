//! What the control groups of a process leave it of the machine's memory, in either version.
//!
//! A group is bound by those around it, so that the least limit on the way to the outermost that can be seen counts.

use std::fs;
use std::path::{Path, PathBuf};

/// Where a hierarchy of groups is mounted, and which of its groups that place shows.
struct Mount {
    group: String,
    place: String,
}

/// Bytes that this process may take; `root` is the file system, `machine` what there is without any limit.
pub(crate) fn available(root: &Path, machine: u64) -> u64 {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let (groups, mounts) = (read("proc/self/cgroup"), read("proc/self/mountinfo"));
    let limits = groups.lines().filter_map(|line| limit(root, line, &mounts));
    limits.fold(machine, u64::min)
}

/// The least limit of the group that this line of `/proc/self/cgroup` names, and of those around it.
fn limit(root: &Path, line: &str, mounts: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':');
    let (number, controllers, group) = (parts.next()?, parts.next()?, parts.next()?);
    let (version, file) = match controllers {
        "" if number == "0" => ("cgroup2", "memory.max"),
        _ if has_memory(controllers) => ("cgroup", "memory.limit_in_bytes"),
        _ => return None,
    };
    let mount = mounts.lines().find_map(|line| mount(line, version))?;
    let top = inside(root, &mount.place);
    let mut folder = inside(&top, below(group, &mount.group));
    let mut least: Option<u64> = None;
    loop {
        // A group without a limit says `max`; what version 1 says then is more than any machine has.
        let here = fs::read_to_string(folder.join(file)).ok().and_then(|text| text.trim().parse().ok());
        least = [least, here].into_iter().flatten().min();
        if folder == top || !folder.pop() {
            return least;
        }
    }
}

fn has_memory(list: &str) -> bool {
    list.split(',').any(|word| word == "memory")
}

/// The mount that a line of `/proc/self/mountinfo` tells of, where it is one of this kind that has memory.
fn mount(line: &str, version: &str) -> Option<Mount> {
    let (before, behind) = line.split_once(" - ")?;
    let mut behind = behind.split(' ');
    let (kind, options) = (behind.next()?, behind.nth(1)?);
    if kind != version || version == "cgroup" && !has_memory(options) {
        return None;
    }
    let mut fields = before.split(' ').skip(3);
    Some(Mount { group: unescaped(fields.next()?), place: unescaped(fields.next()?) })
}

/// The path of a group below the one that is mounted; that one itself where the group is outside of it, as it is in a container
/// that sees the names of its host.
fn below<'a>(group: &'a str, mounted: &str) -> &'a str {
    let mounted = mounted.trim_end_matches('/');
    let below = group.strip_prefix(mounted).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    below.filter(|rest| !rest.split('/').any(|part| part == "..")).unwrap_or_default()
}

fn inside(folder: &Path, path: &str) -> PathBuf {
    match path.trim_matches('/') {
        "" => folder.to_owned(),
        path => folder.join(path),
    }
}

/// A path as it is: blanks and backslashes stand in it in octal.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (code, character)| text.replace(code, character))
}
