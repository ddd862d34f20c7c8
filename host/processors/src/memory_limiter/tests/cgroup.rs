//! What control groups leave, in file systems that look as the kernel makes them.

use std::fs;
use std::path::Path;

use super::super::cgroup::available;

const MACHINE: u64 = 64 << 30;

/// What is available in a file system of these files.
fn found(files: &[(&str, &str)]) -> u64 {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    available(root.path(), MACHINE)
}

const VERSION_2: &str = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

#[test]
fn a_container_sees_its_own_group_as_the_root() {
    let limit = |max| {
        found(&[("proc/self/cgroup", "0::/\n"), ("proc/self/mountinfo", VERSION_2), ("sys/fs/cgroup/memory.max", max)])
    };
    assert_eq!(limit("536870912\n"), 512 << 20);
    assert_eq!(limit("max\n"), MACHINE);
    assert_eq!(limit("garbage"), MACHINE);
}

#[test]
fn the_least_limit_on_the_way_up_counts() {
    let files = |inner, outer| {
        found(&[
            ("proc/self/cgroup", "0::/kube pods/pod1/c1\n"),
            ("proc/self/mountinfo", VERSION_2),
            ("sys/fs/cgroup/kube pods/pod1/c1/memory.max", inner),
            ("sys/fs/cgroup/kube pods/pod1/memory.max", outer),
            ("sys/fs/cgroup/kube pods/memory.max", "max\n"),
        ])
    };
    assert_eq!(files("2000000\n", "1000000\n"), 1_000_000);
    assert_eq!(files("500000\n", "1000000\n"), 500_000);
    assert_eq!(files("max\n", "1000000\n"), 1_000_000);
}

#[test]
fn version_1_has_a_hierarchy_of_its_own_for_memory() {
    let mounts = "30 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                  31 25 0:28 /docker/abc /sys/fs/cgroup/mem\\040ory rw - cgroup cgroup rw,memory\n\
                  32 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    let limit = |group, text| {
        found(&[
            ("proc/self/cgroup", &format!("5:cpu,cpuacct:/docker/abc\n4:memory:{group}\n0::/docker/abc\n")),
            ("proc/self/mountinfo", mounts),
            ("sys/fs/cgroup/mem ory/memory.limit_in_bytes", text),
            ("sys/fs/cgroup/mem ory/inner/memory.limit_in_bytes", "4096\n"),
        ])
    };
    assert_eq!(limit("/docker/abc", "1048576\n"), 1 << 20);
    assert_eq!(limit("/docker/abc", "9223372036854771712\n"), MACHINE);
    assert_eq!(limit("/docker/abc/inner", "1048576\n"), 4096);
    assert_eq!(limit("/docker/abcde", "1048576\n"), 1 << 20, "a name that begins alike is another group");
    assert_eq!(limit("/../elsewhere", "1048576\n"), 1 << 20);
}

#[test]
fn where_there_are_no_groups_it_is_the_machine() {
    assert_eq!(found(&[]), MACHINE);
    assert_eq!(
        found(&[("proc/self/cgroup", "0::/a\nnonsense\n::\n"), ("proc/self/mountinfo", "- \n x - y\n")]),
        MACHINE
    );
    assert!(available(Path::new("/"), MACHINE) <= MACHINE);
}
