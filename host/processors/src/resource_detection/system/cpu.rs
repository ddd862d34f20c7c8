//! The first processor, as `/proc/cpuinfo` describes it.

/// What is known of a processor; empty where nothing is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cpu {
    pub(super) vendor: String,
    pub(super) family: String,
    pub(super) model: String,
    pub(super) name: String,
    pub(super) stepping: String,
    /// In KB, as the file has it.
    pub(super) cache: i64,
}

/// By the number that an Arm processor gives as its implementer.
const IMPLEMENTERS: [(u8, &str); 15] = [
    (0x41, "ARM"),
    (0x42, "Broadcom"),
    (0x43, "Cavium"),
    (0x44, "DEC"),
    (0x46, "Fujitsu"),
    (0x48, "HiSilicon"),
    (0x49, "Infineon"),
    (0x4d, "Motorola/Freescale"),
    (0x4e, "NVIDIA"),
    (0x50, "APM"),
    (0x51, "Qualcomm"),
    (0x56, "Marvell"),
    (0x61, "Apple"),
    (0x69, "Intel"),
    (0xc0, "Ampere"),
];

/// The first processor of the file; none where it has none.
pub(super) fn first(text: &str) -> Option<Cpu> {
    let pairs = text.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key.trim(), value.trim()));
    let mut of_first = pairs.skip_while(|(key, _)| *key != "processor");
    of_first.next()?;
    let mut cpu = Cpu { stepping: "0".to_owned(), ..Cpu::default() };
    for (key, value) in of_first.take_while(|(key, _)| *key != "processor") {
        match key {
            "vendor_id" => cpu.vendor = value.to_owned(),
            "CPU implementer" => cpu.vendor = implementer(value).to_owned(),
            "cpu family" => cpu.family = value.to_owned(),
            "model" | "CPU part" => cpu.model = value.to_owned(),
            "model name" => cpu.name = value.to_owned(),
            "stepping" | "CPU revision" if value.parse::<i32>().is_ok() => cpu.stepping = value.to_owned(),
            "cache size" => cpu.cache = value.trim_end_matches(" KB").parse().unwrap_or_default(),
            _ => {}
        }
    }
    Some(cpu)
}

fn implementer(number: &str) -> &'static str {
    let number = number.strip_prefix("0x").and_then(|digits| u8::from_str_radix(digits, 16).ok());
    IMPLEMENTERS.iter().find(|(known, _)| Some(*known) == number).map_or("", |(_, name)| name)
}
