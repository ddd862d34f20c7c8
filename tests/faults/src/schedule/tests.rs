//! What is drawn from a seed.

use super::*;

fn bounds(seed: u64) -> Bounds {
    let lasts = Duration::from_secs(1800);
    Bounds { seed, lasts, kills: 40, backends: 3, has_clocks: true, has_disks: true }
}

#[test]
fn the_same_seed_breaks_the_same_things() {
    let drawn = |seed| format!("{:?}", Schedule::draw(&bounds(seed)));
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7), drawn(8));
}

#[test]
fn kills_each_collector_as_often_as_it_was_told() {
    let schedule = Schedule::draw(&bounds(3));
    for process in [&schedule.agent, &schedule.gateway] {
        let kills = process.iter().filter(|p| matches!(p.fault, ProcessFault::Kill | ProcessFault::KillTwice));
        assert_eq!(kills.count(), 40);
    }
}

#[test]
fn has_one_backend_down_for_ten_minutes_of_half_an_hour_and_does_nothing_else_to_it() {
    for seed in 0..20 {
        let schedule = Schedule::draw(&bounds(seed));
        let outage = |p: &&Planned<LinkFault>| p.lasts == Duration::from_secs(600);
        let (faults, down) = schedule.backends.iter().find_map(|b| Some((b, b.iter().find(outage)?))).unwrap();
        let ends = down.at + down.lasts;
        assert!(ends < bounds(seed).lasts);
        let meanwhile = faults.iter().filter(|p| p.at <= ends && p.at + p.lasts >= down.at);
        assert_eq!(meanwhile.count(), 1);
    }
}

#[test]
fn breaks_no_disk_and_no_clock_where_there_is_none() {
    let schedule = Schedule::draw(&Bounds { has_clocks: false, has_disks: false, ..bounds(5) });
    let others = schedule
        .gateway
        .iter()
        .filter(|p| !matches!(p.fault, ProcessFault::Kill | ProcessFault::KillTwice | ProcessFault::Stop));
    assert_eq!(others.count(), 0);
}
