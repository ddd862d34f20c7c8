//! Each scraper on the files of the fixture.

use host_periodic::CollectNow as _;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::super::Config;
use super::fixture::Machine;
use crate::testing::{first_of, lines, of, section};

fn ticks() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

#[test]
fn cpu_times_are_those_of_all_cpus_or_of_each_under_its_own_name() {
    let all = lines(&Machine::new().collect("{cpu: {metrics: {system.cpu.logical.count: {enabled: false}}}}"));
    assert_eq!(all.len(), 8, "{all:?}");
    let lines = lines(&Machine::new().collect(
        "{cpu: {metrics: {system.cpu.time: {attributes: [cpu, state]}, system.cpu.logical.count: {enabled: false}}}}",
    ));
    assert_eq!(lines.len(), 16, "{lines:?}");
    let cpu2 = of(&lines, "system.cpu.time [s] counter {cpu=cpu2 state=");
    let of_state = |ticks_spent: f64| format!("{:?}", ticks_spent / ticks());
    let expected = [("user", 200.0), ("nice", 20.0), ("system", 50.0), ("idle", 400.0), ("wait", 10.0)]
        .map(|(state, spent)| format!("{state}}} {}", of_state(spent)));
    assert_eq!(cpu2[..5], expected);
    assert_eq!(cpu2[5..], ["interrupt} 0.0", &format!("softirq}} {}", of_state(6.0)), "steal} 0.0"]);
    let number = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
    let user = of(&lines, "system.cpu.time [s] counter {cpu=cpu").into_iter().filter(|line| line.contains("=user}"));
    let sum: f64 = user.map(number).sum();
    assert!((number(of(&all, "system.cpu.time [s] counter {state=user")[0]) - sum).abs() < 1e-9, "{all:?}");
}

#[test]
fn cpu_utilization_is_there_from_the_second_time_on_and_adds_up_to_one() {
    for (attributes, prefix) in [("[cpu, state]", "cpu=cpu0 "), ("[state]", "")] {
        let machine = Machine::new();
        let mut receiver = machine.receiver(&format!(
            "{{cpu: {{metrics: {{system.cpu.utilization: {{enabled: true, attributes: {attributes}}}, \
             system.cpu.logical.count: {{enabled: false}}, system.cpu.time: {{enabled: false}}}}}}}}"
        ));
        assert!(lines(&receiver.collect_now().unwrap()).is_empty());
        machine.write("proc/stat", "cpu0 110 20 60 520 10 0 6 0\ncpu2 200 20 50 400 10 0 6 0\nbtime 1700000000\n");
        let lines = lines(&receiver.collect_now().unwrap());
        let found = of(&lines, &format!("system.cpu.utilization [1] gauge {{{prefix}state="));
        let cpu2 = of(&lines, "system.cpu.utilization [1] gauge {cpu=cpu2 state=");
        assert!(cpu2.iter().all(|line| line.ends_with(" 0.0")), "no time has passed: {cpu2:?}");
        let expected = match prefix {
            // One of two CPUs, of which the other did nothing.
            "" => ["user} 0.125", "nice} 0.0", "system} 0.125", "idle} 0.25"],
            _ => ["user} 0.25", "nice} 0.0", "system} 0.25", "idle} 0.5"],
        };
        assert_eq!(found[..4], expected);
    }
}

#[test]
fn cpus_are_counted_and_their_clocks_told_where_somebody_wants_them() {
    let machine = Machine::new();
    machine.write("proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 2500.5\n\nprocessor\t: 2\ncpu MHz\t\t: 800.0\n");
    for cpu in ["cpu0", "cpu2"] {
        machine.write(&format!("sys/devices/system/cpu/{cpu}/topology/core_cpus_list"), "0,2\n");
    }
    let on = ["system.cpu.frequency", "system.cpu.physical.count"];
    let on = on.map(|name| format!("{name}: {{enabled: true}}")).join(", ");
    let lines =
        lines(&machine.collect(&format!("{{cpu: {{metrics: {{{on}, system.cpu.time: {{enabled: false}}}}}}}}")));
    assert_eq!(
        lines,
        [
            "system.cpu.logical.count [{cpu}] sum {} 2",
            "system.cpu.physical.count [{cpu}] sum {} 1",
            "system.cpu.frequency [Hz] gauge {cpu=cpu0} 2500500000.0",
            "system.cpu.frequency [Hz] gauge {cpu=cpu2} 800000000.0",
        ]
    );
}

#[test]
fn memory_is_told_by_state_and_what_is_used_is_what_is_not_available() {
    let lines = lines(&Machine::new().collect(
        "{memory: {metrics: {system.memory.utilization: {enabled: true}, system.memory.limit: {enabled: true}, \
         system.linux.memory.available: {enabled: true}, system.linux.memory.dirty: {enabled: true}, \
         system.memory.page_size: {enabled: true}}}}",
    ));
    assert_eq!(
        of(&lines, "system.memory.usage [By] sum {state="),
        [
            "buffered} 51200",
            "cached} 327680",
            "free} 102400",
            "slab_reclaimable} 20480",
            "slab_unreclaimable} 10240",
            "used} 409600"
        ]
    );
    assert_eq!(of(&lines, "system.memory.utilization [1] gauge {state=used}"), ["0.4"]);
    assert_eq!(of(&lines, "system.memory.limit [By] sum {}"), ["1024000"]);
    assert_eq!(of(&lines, "system.linux.memory.available [By] sum {}"), ["614400"]);
    assert_eq!(of(&lines, "system.linux.memory.dirty [By] sum {}"), ["7168"]);
    assert_eq!(of(&lines, "system.memory.page_size [By] gauge {}"), [rustix::param::page_size().to_string()]);
}

#[test]
fn load_averages_are_divided_by_the_cpus_where_the_section_says_so() {
    let machine = Machine::new();
    let names = ["1m", "5m", "15m"].map(|minutes| format!("system.cpu.load_average.{minutes} [{{thread}}] gauge {{}}"));
    let told = |scrapers: &str| {
        let lines = lines(&machine.collect(scrapers));
        names.each_ref().map(|name| of(&lines, name)[0].to_owned())
    };
    assert_eq!(told("{load: }"), ["0.52", "1.25", "2.0"]);
    assert_eq!(told("{load: {cpu_average: true}}"), ["0.26", "0.625", "1.0"]);
}

#[test]
fn disks_are_told_in_bytes_and_seconds() {
    let collected = Machine::new().collect("{disk: {exclude: {devices: ['p[0-9]+$'], match_type: regexp}}}");
    let lines = lines(&collected);
    assert_eq!(
        lines,
        [
            "system.disk.io [By] counter {device=nvme0n1 direction=read} 40960",
            "system.disk.io [By] counter {device=nvme0n1 direction=write} 81920",
            "system.disk.merged [{operations}] counter {device=nvme0n1 direction=read} 2",
            "system.disk.merged [{operations}] counter {device=nvme0n1 direction=write} 4",
            "system.disk.operation_time [s] counter {device=nvme0n1 direction=read} 0.5",
            "system.disk.operation_time [s] counter {device=nvme0n1 direction=write} 1.5",
            "system.disk.operations [{operations}] counter {device=nvme0n1 direction=read} 10",
            "system.disk.operations [{operations}] counter {device=nvme0n1 direction=write} 20",
            "system.disk.io_time [s] counter {device=nvme0n1} 1.0",
            "system.disk.pending_operations [{operations}] sum {device=nvme0n1} 1",
            "system.disk.weighted_io_time [s] counter {device=nvme0n1} 2.5",
        ]
    );
    let resource = &collected.parts[0].metrics[0];
    assert_eq!(resource.schema_url, "https://opentelemetry.io/schemas/1.9.0");
    let scope = resource.scope_metrics[0].scope.as_ref().unwrap();
    assert!(scope.name.ends_with("/receiver/hostmetricsreceiver/internal/scraper/diskscraper"), "{}", scope.name);
    let Some(Data::Sum(sum)) = &resource.scope_metrics[0].metrics[0].data else { panic!() };
    assert_eq!(sum.data_points[0].start_time_unix_nano, 1_700_000_000_000_000_000, "since the machine was started");
}

#[test]
fn a_pattern_means_what_it_means_in_go() {
    let machine = Machine::new();
    machine.write("proc/diskstats", " 8 0 sda 1 0 8 5 2 0 16 15 0 10 25\n 8 16 sd[a] 1 0 8 5 2 0 16 15 0 10 25\n");
    let lines = lines(&machine.collect(r"{disk: {include: {devices: ['^\Qsd[a]\E$'], match_type: regexp}}}"));
    assert_eq!(of(&lines, "system.disk.io_time [s] counter {device="), ["sd[a]} 0.01"]);
}

#[test]
fn filesystems_are_those_of_the_machine_on_devices_and_each_once() {
    let machine = Machine::new();
    let lines = lines(&machine.collect("{filesystem: }"));
    let points: Vec<_> =
        of(&lines, "system.filesystem.usage [By] sum {").into_iter().map(|l| l.rsplit_once("} ").unwrap().0).collect();
    let root = "device=/dev/nvme0n1p1 mode=rw mountpoint=/ type=ext4";
    let other = "device=/dev/sdb1 mode=ro mountpoint=/mnt/two words type=ext4";
    let expected: Vec<String> = [root, other]
        .iter()
        .flat_map(|mount| ["free", "reserved", "used"].map(|state| format!("{mount} state={state}")))
        .collect();
    assert_eq!(points, expected);
    let stat = rustix::fs::statvfs(machine.path()).unwrap();
    let total: u64 = of(&lines, &format!("system.filesystem.usage [By] sum {{{other} state="))
        .iter()
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
        .sum();
    assert_eq!(total, stat.f_blocks * stat.f_frsize);
    assert_eq!(of(&lines, "system.filesystem.inodes.usage [{inodes}] sum").len(), 4);
}

#[test]
fn virtual_filesystems_are_told_where_somebody_wants_them_and_filters_choose() {
    let section = "{filesystem: {include_virtual_filesystems: true, include_fs_types: {fs_types: [tmpfs, ext4], \
                   match_type: strict}, exclude_mount_points: {mount_points: ['^/$'], match_type: regexp}, \
                   exclude_devices: {devices: [/dev/sdb1], match_type: strict}, \
                   metrics: {system.filesystem.utilization: {enabled: true}}}}";
    let lines = lines(&Machine::new().collect(section));
    assert_eq!(of(&lines, "system.filesystem.usage").len(), 3, "{lines:?}");
    let shares =
        of(&lines, "system.filesystem.utilization [1] gauge {device=tmpfs mode=rw mountpoint=/run type=tmpfs}");
    assert!((0.0..=1.0).contains(&shares[0].parse::<f64>().unwrap()));
}

#[test]
fn a_filesystem_that_does_not_answer_is_missed_and_the_others_are_told() {
    let machine = Machine::new();
    std::fs::remove_dir_all(machine.path().join("mnt")).unwrap();
    let collected = machine.collect("{filesystem: }");
    assert_eq!(of(&lines(&collected), "system.filesystem.usage").len(), 3);
    let missed = &collected.parts[0].missed;
    assert_eq!((missed.len(), missed[0].points), (1, 5));
    assert!(missed[0].place.ends_with("mnt/two words"), "{missed:?}");
}

#[test]
fn interfaces_are_those_of_the_first_process_of_the_machine() {
    let lines = lines(&Machine::new().collect("{network: {include: {interfaces: [eth0], match_type: strict}}}"));
    let of_eth0 = |name: &str| of(&lines, &format!("system.network.{name} counter {{device=eth0 direction="));
    assert_eq!(of_eth0("io [By]"), ["receive} 3000", "transmit} 4000"]);
    assert_eq!(of_eth0("packets [{packets}]"), ["receive} 30", "transmit} 40"]);
    assert_eq!(of_eth0("errors [{errors}]"), ["receive} 1", "transmit} 3"]);
    assert_eq!(of_eth0("dropped [{packets}]"), ["receive} 2", "transmit} 4"]);
    assert_eq!(lines.iter().filter(|line| line.contains("device=")).count(), 8);
}

#[test]
fn connections_are_counted_by_state_of_both_protocols_and_tracked_ones_where_wanted() {
    let on = "{network: {metrics: {system.network.conntrack.count: {enabled: true}, system.network.conntrack.max: {enabled: true}}}}";
    let lines = lines(&Machine::new().collect(on));
    let states = of(&lines, "system.network.connections [{connections}] sum {protocol=tcp state=");
    assert_eq!(states.len(), 11);
    let there: Vec<_> = states.into_iter().filter(|line| !line.ends_with(" 0")).collect();
    assert_eq!(there, ["ESTABLISHED} 2", "SYN_RECV} 1", "LISTEN} 1"]);
    assert_eq!(of(&lines, "system.network.conntrack.count [{entries}] sum {}"), ["12"]);
    assert_eq!(of(&lines, "system.network.conntrack.max [{entries}] sum {}"), ["262144"]);
}

#[test]
fn swap_and_pages_are_told_as_the_kernel_counts_them() {
    let lines = lines(&Machine::new().collect("{paging: {metrics: {system.paging.utilization: {enabled: true}}}}"));
    assert_eq!(
        lines,
        [
            "system.paging.usage [By] sum {device=/dev/zram0 state=free} 768000",
            "system.paging.usage [By] sum {device=/dev/zram0 state=used} 256000",
            "system.paging.utilization [1] gauge {device=/dev/zram0 state=free} 0.75",
            "system.paging.utilization [1] gauge {device=/dev/zram0 state=used} 0.25",
            "system.paging.operations [{operations}] counter {type=major direction=page_in} 13",
            "system.paging.operations [{operations}] counter {type=major direction=page_out} 14",
            "system.paging.operations [{operations}] counter {type=minor direction=page_in} 11",
            "system.paging.operations [{operations}] counter {type=minor direction=page_out} 12",
            "system.paging.faults [{faults}] counter {type=major} 10",
            "system.paging.faults [{faults}] counter {type=minor} 990",
        ]
    );
}

#[test]
fn processes_are_counted_by_what_they_do_whatever_they_are_called() {
    let lines = lines(&Machine::new().collect("{processes: }"));
    assert_eq!(
        lines,
        [
            "system.processes.created [{processes}] counter {} 4321",
            "system.processes.count [{processes}] sum {status=blocked} 1",
            "system.processes.count [{processes}] sum {status=running} 3",
            "system.processes.count [{processes}] sum {status=sleeping} 1",
            "system.processes.count [{processes}] sum {status=zombies} 1",
        ]
    );
}

#[test]
fn the_uptime_is_told() {
    assert_eq!(lines(&Machine::new().collect("{system: }")), ["system.uptime [s] gauge {} 1234.56"]);
}

#[test]
fn a_file_that_is_not_there_costs_its_own_scraper_and_says_the_way_out() {
    let machine = Machine::new();
    machine.remove("proc/meminfo");
    let collected = machine.collect("{memory: , system: }");
    assert_eq!(lines(&collected).len(), 1);
    let missed = &collected.parts[0].missed[0];
    assert_eq!(missed.place, machine.path().join("proc/meminfo").display().to_string());
    assert!(missed.way_out.contains("`root_path`"), "{missed}");
    assert_eq!(collected.parts[0].scraper, "memory");
}

#[test]
fn a_file_that_makes_no_sense_is_missed() {
    let machine = Machine::new();
    machine.write("proc/loadavg", "nonsense\n");
    machine.write("proc/diskstats", "1 2 sda x\n 8 0 sdb 1 0 8 5 2 0 16 15 0 10 25\n");
    let collected = machine.collect("{load: , disk: }");
    assert_eq!(collected.parts.iter().map(|part| part.missed.len()).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(of(&lines(&collected), "system.disk.io_time [s] counter {device=sdb}"), ["0.01"]);
}

#[tokio::test]
async fn a_receiver_hands_on_what_its_scrapers_find_and_counts_it_by_scraper() {
    let machine = Machine::new();
    let text =
        format!("{{root_path: '{}', initial_delay: 0s, scrapers: {{system: , load: }}}}", machine.path().display());
    let config = section::<Config>(&text);
    let id = "host_metrics".parse().unwrap();
    let (lines, metrics) = first_of(|consumers, deps| config.build(&id, consumers, deps).unwrap()).await;
    assert_eq!(lines.len(), 4);
    let by_scraper = metrics.totals("otelcol_scraper_scraped_metric_points", "scraper");
    assert_eq!(by_scraper.into_iter().collect::<Vec<_>>(), [("load".to_owned(), 3), ("system".to_owned(), 1)]);
    assert_eq!(metrics.total("otelcol_receiver_accepted_metric_points"), 4);
}
