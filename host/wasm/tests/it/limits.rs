//! What an operator may set, and what an end or a change costs while a module misbehaves.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use host_component::Consumer;
use host_telemetry::Metrics;
use host_wasm::{Limits, ModulesConfig, ProcessorConfig, Sandbox};

use crate::rig::{Rig, Sink, label, logs, mine};
use test_adversaries::Guest;

const LOADS: &str = "tidegate_module_loads_total";

fn start_error(change: impl FnOnce(&mut ModulesConfig)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut config = ModulesConfig { cache: Some("cache".into()), ..ModulesConfig::default() };
    change(&mut config);
    let sandbox = Sandbox::start(config, &[], Metrics::new(), folder.path().to_path_buf());
    sandbox.err().expect("it makes no sense").to_string()
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused_by_name() {
    assert!(start_error(|config| config.limits.queue = 0).contains("modules.limits.queue is 0"));
    assert!(start_error(|config| config.limits.threads = Some(0)).contains("modules.limits.threads is 0"));
    assert!(start_error(|config| config.limits.component_mib = 0).contains("modules.limits.component_mib is 0"));
    assert!(start_error(|config| config.limits.native_mib = 0).contains("modules.limits.native_mib is 0"));
    let said = start_error(|config| config.limits.timeout = Duration::from_secs(4000));
    assert!(said.contains("modules.limits.timeout") && said.contains("more than an hour"), "{said}");
    let said = start_error(|config| config.quarantine.max_records = 0);
    assert!(said.contains("modules.quarantine.max_records: nothing could be kept there"), "{said}");
    let said = start_error(|config| config.quarantine.path = Some("/proc/quarantine".into()));
    assert!(said.contains("modules.quarantine.path") && said.contains("/proc/quarantine cannot be used"), "{said}");
    let said = start_error(|config| (config.limits.threads, config.limits.instances) = (Some(4), Some(4)));
    assert!(said.contains("modules.limits.instances is 4") && said.contains("8 threads"), "{said}");

    let rig = Rig::new();
    rig.install(&Guest::idle());
    let refusal = |limits: Limits| {
        let (id, pipeline) = ("wasm/x".parse().unwrap(), "logs".parse().unwrap());
        let config = ProcessorConfig { limits, ..mine() };
        let refused =
            rig.sandbox.processor(id, pipeline, config, &[], Arc::<Sink>::clone(&rig.sink) as Arc<dyn Consumer>);
        refused.err().expect("it makes no sense").to_string()
    };
    let said = refusal(Limits { timeout: Duration::MAX, ..Limits::default() });
    assert!(said.contains("limits.timeout") && said.contains("more than modules.limits.timeout: 60s"), "{said}");
    let said = refusal(Limits { output_mib: 65, ..Limits::default() });
    assert!(said.contains("more than modules.limits.output_mib: 64"), "{said}");
    let said = refusal(Limits { memory_mib: 257, ..Limits::default() });
    assert!(said.contains("more than modules.limits.memory_mib: 256"), "{said}");
}

#[tokio::test]
async fn batches_that_wait_for_a_slow_module_do_not_hold_up_the_end() {
    let rig = Rig::new();
    let processor = rig.start(&Guest::idle().in_live_process("(loop $forever (br $forever))")).await;
    let calls = join_all((0..200).map(|_| processor.consume(logs(&["one"]))));
    let end = async {
        rig.wait_for("tidegate_processor_batches_total", "", 0).await;
        rig.sandbox.drain(Duration::from_millis(50)).await;
    };
    let (outcomes, ()) = tokio::join!(calls, end);
    assert!(outcomes.iter().all(Result::is_err), "nothing passes unprocessed");
    assert!(rig.metric("tidegate_processor_batches_total") < 100, "most were given back");
}

/// The label that a batch gets now.
async fn labelled(rig: &Rig, processor: &Arc<dyn Consumer>) -> String {
    processor.consume(logs(&["one"])).await.unwrap();
    label(&rig.sink.take()[0].payload, "cluster.id").unwrap_or_default()
}

#[tokio::test]
async fn what_the_host_lacked_is_looked_for_again() {
    let rig = Rig::with_script("[ -e broken ] && exec /nonexistent; exec $REAL \"$@\"");
    let processor = rig.start(&Guest::label("cluster.id", "v1")).await;
    // A cache into which nothing can be written: a file is where the folder was.
    let (cache, aside) = (rig.folder.path().join("cache"), rig.folder.path().join("aside"));
    fs::rename(&cache, &aside).unwrap();
    fs::write(&cache, "").unwrap();
    rig.install(&Guest::label("cluster.id", "v2"));
    rig.wait_for(LOADS, "refused", 0).await;
    assert_eq!(labelled(&rig, &processor).await, "v1");
    fs::remove_file(&cache).unwrap();
    fs::rename(&aside, &cache).unwrap();
    // Nobody touches the module.
    rig.wait_for(LOADS, "loaded", 1).await;
    assert_eq!(labelled(&rig, &processor).await, "v2");
}

#[tokio::test]
async fn what_two_processors_need_is_compiled_once() {
    let rig = Rig::with_script("echo once >> compiled; exec $REAL \"$@\"");
    rig.install(&Guest::label("cluster.id", "v1"));
    // Other limits make other instances of the same native code.
    let other = ProcessorConfig { limits: Limits { output_mib: 3, ..Limits::default() }, ..mine() };
    let _processors = [rig.processor(mine()), rig.processor(other)];
    rig.sandbox.ready().await.unwrap();
    rig.install(&Guest::label("cluster.id", "v2"));
    rig.wait_for(LOADS, "loaded", 3).await;
    let compiled = fs::read_to_string(rig.folder.path().join("compiled")).unwrap();
    assert_eq!(compiled, "once\nonce\n", "for each of the two versions");
}

#[tokio::test]
async fn two_sandboxes_of_a_process_compile_one_after_another() {
    // The second would find the first one's folder.
    let script =
        "/bin/mkdir /tmp/compiling.$PPID || exit 1; $REAL \"$@\"; code=$?; /bin/rmdir /tmp/compiling.$PPID; exit $code";
    let rigs = [Rig::with_script(script), Rig::with_script(script)];
    let mut processors = Vec::new();
    for (rig, version) in rigs.iter().zip(["v1", "v2"]) {
        rig.install(&Guest::label("cluster.id", version));
        processors.push(rig.processor(mine()));
    }
    let (one, other) = tokio::join!(rigs[0].sandbox.ready(), rigs[1].sandbox.ready());
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
}

#[tokio::test]
async fn a_module_that_takes_for_ever_to_compile_does_not_hold_up_the_one_after_it() {
    let rig = Rig::with_script("[ -e slow ] && rm slow && exec /bin/sleep 600; exec $REAL \"$@\"");
    let processor = rig.start(&Guest::label("cluster.id", "v1")).await;
    let slow = rig.folder.path().join("slow");
    fs::write(&slow, "").unwrap();
    rig.install(&Guest::label("cluster.id", "v2"));
    rig.until("the compiler is at it", || !slow.exists()).await;
    rig.install(&Guest::label("cluster.id", "v3"));
    rig.wait_for(LOADS, "loaded", 1).await;
    assert_eq!(labelled(&rig, &processor).await, "v3");
}

#[tokio::test]
async fn a_module_is_refused_that_has_more_native_code_or_patterns_than_the_host_allows() {
    let rig = Rig::with(|config| (config.limits.native_mib, config.limits.patterns) = (1, 2));
    // Calls are code that no optimization takes away: some dozens of bytes each.
    let code = "(call $log (i32.const 1) (i32.const 1024) (i32.const 8))".repeat(100_000);
    let said = rig.refusal(&Guest::idle().in_live_process(&code).build()).await;
    assert!(said.contains("bytes of native code") && said.contains("modules.limits.native_mib"), "{said}");
    let hits = |limit: &str| rig.metric_with("tidegate_module_limit_hits_total", &format!("limit=\"{limit}\""));
    assert_eq!(hits("native_mib"), 1);
    let said = rig.refusal(&Guest::default().reads("log.body", &["a", "b", "c"]).build()).await;
    assert!(said.contains("3 patterns, more than the limit of 2"), "{said}");
    assert_eq!(hits("patterns"), 1);
}

#[tokio::test]
async fn a_module_is_heard_as_often_as_the_host_allows() {
    let rig = Rig::with(|config| config.limits.log_lines = 3);
    let chatty = "(loop $again (call $log (i32.const 1) (i32.const 1024) (i32.const 8)) \
        (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $again (i32.lt_u (local.get $n) (i32.const 50))))";
    let processor = rig.start(&Guest::idle().in_live_process(chatty)).await;
    processor.consume(logs(&["one"])).await.unwrap();
    // The loop may run into a second window on a slow machine.
    let dropped = rig.metric("tidegate_module_log_lines_dropped_total");
    assert!((41..=47).contains(&dropped), "{dropped}");
}

#[tokio::test]
async fn what_ends_at_a_limit_is_counted_by_the_limit() {
    let rig = Rig::new();
    let grows = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let processor = rig.start(&Guest::idle().in_live_process(grows)).await;
    processor.consume(logs(&["one"])).await.unwrap_err();
    assert_eq!(rig.metric_with("tidegate_module_limit_hits_total", "limit=\"memory_mib\""), 2);
}

#[tokio::test]
async fn a_module_that_traps_is_refused_with_the_functions_that_were_under_way() {
    let rig = Rig::new();
    let said = rig.refusal(&Guest::idle().in_process("(call $deep)").build()).await;
    assert!(said.contains("call stack exhausted") && said.contains("deep"), "{said}");
    assert!(said.len() < 2000, "a few of them: {said}");
}
