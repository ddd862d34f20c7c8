//! Every metric, as the stand-in says it.

use super::super::Config;
use super::standin::{Standin, next};
use crate::testing::{first_of, lines, of, section};

const L4: &str =
    "hw.id=GPU-00000000 hw.type=gpu hw.name=nvidia3 hw.model=NVIDIA L4 hw.vendor=NVIDIA hw.driver_version=570.86.15";
const A100: &str = "hw.id=GPU-00000001 hw.type=gpu hw.name=nvidia1 hw.model=NVIDIA A100 hw.vendor=NVIDIA \
                    hw.serial_number=1320000000001 hw.driver_version=570.86.15";

/// The lines of a piece of hardware, without its attributes.
fn own(lines: &[String], attributes: &str) -> Vec<String> {
    let of_it =
        |line: &&String| line.contains(&format!("{{{attributes}}}")) || line.contains(&format!("{{{attributes} "));
    lines.iter().filter(of_it).map(|line| line.replace(attributes, "").replace("{ ", "{")).collect()
}

#[tokio::test]
async fn a_card_is_told_under_the_names_of_the_semantic_conventions() {
    let lines = Standin::new().collect("").await;
    assert_eq!(
        own(&lines, L4),
        [
            "hw.status [1] sum {hw.state=ok} 1",
            "hw.status [1] sum {hw.state=degraded} 0",
            "hw.status [1] sum {hw.state=failed} 0",
            "hw.gpu.utilization [1] gauge {hw.gpu.task=general} 0.73",
            "hw.gpu.utilization [1] gauge {hw.gpu.task=encoder} 0.12",
            "hw.gpu.utilization [1] gauge {hw.gpu.task=decoder} 0.34",
            "hw.gpu.memory.limit [By] sum {} 25769803776",
            "hw.gpu.memory.usage [By] sum {} 6442450944",
            "hw.gpu.memory.utilization [1] gauge {} 0.25",
            "hw.gpu.io [By] counter {network.io.direction=transmit} 5000000000",
            "hw.gpu.io [By] counter {network.io.direction=receive} 6000000000",
            "hw.temperature [Cel] gauge {hw.sensor_location=gpu} 56",
            "hw.power [W] gauge {} 71.5",
            "hw.energy [J] counter {} 123456.789",
        ]
    );
    let fan = "hw.id=GPU-00000000/fan0 hw.type=fan hw.name=fan 0 of nvidia3 hw.parent=GPU-00000000";
    assert_eq!(own(&lines, fan), ["hw.fan.speed [rpm] gauge {} 1800", "hw.fan.speed_ratio [1] gauge {} 0.45"]);
}

#[tokio::test]
async fn a_card_that_is_split_is_told_with_its_instances_and_its_errors() {
    let lines = Standin::new().collect("").await;
    assert_eq!(
        own(&lines, A100),
        [
            "hw.status [1] sum {hw.state=ok} 0",
            "hw.status [1] sum {hw.state=degraded} 1",
            "hw.status [1] sum {hw.state=failed} 0",
            "hw.gpu.memory.limit [By] sum {} 42949672960",
            "hw.gpu.memory.usage [By] sum {} 1048576000",
            "hw.gpu.memory.utilization [1] gauge {} 0.0244140625",
            "hw.gpu.io [By] counter {network.io.direction=transmit} 5000000000",
            "hw.gpu.io [By] counter {network.io.direction=receive} 6000000000",
            "hw.temperature [Cel] gauge {hw.sensor_location=gpu} 61",
            "hw.temperature [Cel] gauge {hw.sensor_location=memory} 64",
            "hw.power [W] gauge {} 250.25",
            "hw.energy [J] counter {} 987654.321",
            "hw.errors [{error}] counter {error.type=corrected} 50",
            "hw.errors [{error}] counter {error.type=uncorrected} 2",
        ]
    );
    let part = |id: &str, profile: &str| {
        format!(
            "hw.id={id} hw.type=gpu hw.name=nvidia1 MIG {profile} hw.parent=GPU-00000001 hw.model=NVIDIA A100 \
             hw.vendor=NVIDIA hw.serial_number=1320000000001 hw.driver_version=570.86.15"
        )
    };
    let memory = |total: u64, used: u64, share: f64| {
        [
            format!("hw.gpu.memory.limit [By] sum {{}} {total}"),
            format!("hw.gpu.memory.usage [By] sum {{}} {used}"),
            format!("hw.gpu.memory.utilization [1] gauge {{}} {share:?}"),
        ]
    };
    assert_eq!(own(&lines, &part("MIG-0000000a", "1g.5gb")), memory(4864 << 20, 1216 << 20, 0.25));
    assert_eq!(own(&lines, &part("MIG-0000000b", "2g.10gb")), memory(9856 << 20, 0, 0.0));
}

#[tokio::test]
async fn a_card_is_told_under_the_names_of_dcgm_with_its_labels() {
    let keys = "names: dcgm, metrics: {DCGM_FI_DEV_PCIE_TX_THROUGHPUT: {enabled: true}, DCGM_FI_DEV_PCIE_RX_THROUGHPUT: {enabled: true}}";
    let lines = Standin::new().collect(keys).await;
    assert!(lines.iter().all(|line| line.contains(" [] gauge {")), "no unit and no counter changes a name: {lines:?}");
    let labels = "gpu=0 UUID=GPU-00000000 pci_bus_id=00000000:3B:00.0 device=nvidia3 modelName=NVIDIA L4 Hostname=node-1 \
                  DCGM_FI_DRIVER_VERSION=570.86.15";
    let told: Vec<String> = own(&lines, labels).iter().map(|line| line.replace(" [] gauge {}", "")).collect();
    assert_eq!(
        told,
        [
            "DCGM_FI_DEV_SM_CLOCK 2040",
            "DCGM_FI_DEV_MEM_CLOCK 6251",
            "DCGM_FI_DEV_GPU_TEMP 56",
            "DCGM_FI_DEV_POWER_USAGE 71.5",
            "DCGM_FI_DEV_POWER_MGMT_LIMIT 72.0",
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION 123456789",
            "DCGM_FI_DEV_PCIE_TX_THROUGHPUT 1111",
            "DCGM_FI_DEV_PCIE_RX_THROUGHPUT 2222",
            "DCGM_FI_DEV_PCIE_REPLAY_COUNTER 7",
            "DCGM_FI_DEV_PCIE_LINK_GEN 4",
            "DCGM_FI_DEV_PCIE_LINK_WIDTH 16",
            "DCGM_FI_DEV_GPU_UTIL 73",
            "DCGM_FI_DEV_MEM_COPY_UTIL 41",
            "DCGM_FI_DEV_ENC_UTIL 12",
            "DCGM_FI_DEV_DEC_UTIL 34",
            "DCGM_FI_DEV_FB_TOTAL 24576",
            "DCGM_FI_DEV_FB_FREE 18176",
            "DCGM_FI_DEV_FB_USED 6144",
            "DCGM_FI_DEV_FB_RESERVED 256",
            "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS 4",
            "DCGM_FI_DEV_FAN_SPEED 45",
            "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL 777",
            "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL 21",
            "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL 22",
            "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL 23",
            "DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL 24",
            "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS 31",
            "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS 32",
            "DCGM_FI_DEV_ROW_REMAP_FAILURE 0",
        ]
    );
}

#[tokio::test]
async fn errors_memory_temperature_and_instances_have_names_of_dcgm_too() {
    let lines = Standin::new().collect("names: dcgm").await;
    let value = |name: &str| {
        let told: Vec<_> = of(&lines, &format!("{name} [] gauge {{gpu=1 "))
            .into_iter()
            .filter(|line| !line.contains("GPU_I_"))
            .collect();
        told[0].rsplit_once(' ').unwrap().1.to_owned()
    };
    let errors =
        ["SBE_VOL", "DBE_VOL", "SBE_AGG", "DBE_AGG"].map(|kind| value(&format!("DCGM_FI_DEV_ECC_{kind}_TOTAL")));
    assert_eq!((errors, value("DCGM_FI_DEV_MEMORY_TEMP")), (["5", "1", "50", "2"].map(String::from), "64".to_owned()));
    let parts: Vec<_> =
        of(&lines, "DCGM_FI_DEV_FB_USED [] gauge {").into_iter().filter(|line| line.contains("GPU_I_")).collect();
    assert_eq!(parts.len(), 2);
    assert!(parts[0].contains("UUID=GPU-00000001") && parts[0].ends_with("1216"), "{parts:?}");
    assert!(parts[0].contains("GPU_I_PROFILE=1g.5gb GPU_I_UUID=MIG-0000000a"), "{parts:?}");
    assert_eq!(of(&lines, "DCGM_FI_DEV_PCIE_TX_THROUGHPUT").len(), 0, "it takes time, and nobody wants it");
}

#[tokio::test]
async fn both_names_are_told_where_somebody_wants_both() {
    let standin = Standin::new();
    let (semconv, dcgm) = (standin.collect("").await.len(), standin.collect("names: dcgm").await.len());
    assert_eq!(standin.collect("names: both").await.len(), semconv + dcgm);
}

#[tokio::test]
async fn the_memory_of_processes_is_told_where_somebody_wants_it() {
    let standin = Standin::new();
    let on = "metrics: {hw.gpu.process.memory.usage: {enabled: true}}";
    let told = own(&standin.collect(on).await, L4);
    assert_eq!(
        of(&told, "hw.gpu.process.memory.usage [By] sum"),
        ["{process.pid=4242 process.executable.path=/usr/bin/python3} 1048576", "{process.pid=4243} 2097152"]
    );
    assert!(!standin.collect("").await.iter().any(|line| line.contains("process")));
}

#[tokio::test]
async fn what_a_driver_does_not_know_is_left_out_and_nothing_else() {
    let standin = Standin::new();
    standin.says("old");
    let lines = standin.collect("").await;
    assert!(!lines.iter().any(|line| line.starts_with("hw.gpu.io") || line.starts_with("hw.fan.speed ")));
    assert!(lines.iter().any(|line| line.starts_with("hw.fan.speed_ratio")));
}

#[tokio::test]
async fn a_sensor_that_fails_is_missed_by_its_name_and_the_rest_is_told() {
    let standin = Standin::new();
    standin.says("failing");
    let collected = next(&mut standin.receiver("")).await.unwrap();
    let missed: Vec<_> = collected.parts[0].missed.iter().map(|missed| missed.place.as_str()).collect();
    assert_eq!(missed, ["GPU-00000000 temperature"]);
    let temperatures = lines(&collected).into_iter().filter(|line| line.starts_with("hw.temperature")).count();
    assert_eq!(temperatures, 2, "those of the other card");
}

#[tokio::test]
async fn a_receiver_hands_on_what_the_cards_say() {
    let standin = Standin::new();
    let text = format!(
        "{{library_path: '{}', initial_delay: 0s, pod_resources: {{enabled: false}}}}",
        standin.library().display()
    );
    let config = section::<Config>(&text);
    let id = "gpu".parse().unwrap();
    let (lines, metrics) = first_of(|consumers, deps| config.build(&id, consumers, deps).unwrap()).await;
    assert_eq!(of(&lines, "hw.power [W] gauge").len(), 2);
    assert_eq!(metrics.total("otelcol_scraper_scraped_metric_points"), lines.len() as u64);
}
