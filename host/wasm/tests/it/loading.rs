//! What is refused at start, with which words, and what the cache does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use host_telemetry::Metrics;
use host_wasm::{Compile, Limits, ModulesConfig, ProcessorConfig, Sandbox};

use crate::rig::{Rig, label, logs, mine};
use test_adversaries::Guest;

async fn says(bytes: &[u8], words: &[&str]) {
    let said = Rig::new().refusal(bytes).await;
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

#[tokio::test]
async fn refuses_what_is_no_component() {
    says(b"", &["empty"]).await;
    says(b"#!/bin/sh\n", &["no WebAssembly", "magic"]).await;
    says(&Guest::idle().core(), &["core WebAssembly module", "not a component"]).await;
    let whole = Guest::idle().build();
    says(&whole[..whole.len() / 2], &["damaged or cut off"]).await;
}

#[tokio::test]
async fn refuses_a_component_whose_code_is_wrong() {
    // `drop` with nothing to drop: the outside is in order, the code is not.
    let guest = Guest::idle().in_configure("(local.set $n (i32.const 287454020))");
    let mut damaged = guest.build();
    let at =
        damaged.windows(5).position(|bytes| bytes == [0x41, 0xc4, 0xe6, 0x88, 0x89]).expect("the constant is there");
    damaged[at..at + 6].fill(0x1a);
    says(&damaged, &["does not compile", "expected a type but nothing on stack"]).await;
}

#[tokio::test]
async fn names_the_version_that_a_module_was_built_for() {
    says(&Guest::idle().version("0.3.0").build(), &["built for tidegate:processor@0.3.0, this host speaks 0.2.0"])
        .await;
}

#[tokio::test]
async fn refuses_a_foreign_import_by_its_name() {
    says(&Guest::idle().foreign().build(), &["imports open-file", "no module gets"]).await;
}

#[tokio::test]
async fn refuses_a_module_that_is_too_large() {
    let rig = Rig::with(|config| config.limits.component_mib = 1);
    let said = rig.refusal(&vec![0; (1 << 20) + 1]).await;
    assert!(said.contains("more than the limit of 1048576"), "{said}");
}

#[tokio::test]
async fn tells_what_the_guest_says_against_its_configuration() {
    says(&Guest::idle().refuses("`rules[2].mask` is no mask").build(), &["`rules[2].mask` is no mask"]).await;
}

#[tokio::test]
async fn refuses_a_guest_that_traps_in_configure() {
    says(&Guest::idle().in_configure("unreachable").build(), &["cannot be configured", "trapped", "unreachable"]).await;
}

/// As many as a read may have, each of which makes a lot of work.
fn large_patterns() -> Guest {
    let patterns: Vec<String> = (0..64).map(|n| format!(r"(\w|{n}){{1,200}}[a-z]{{1,200}}{n}")).collect();
    Guest::default().reads("log.body", &patterns.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Why a guest is refused that has five milliseconds for a batch.
async fn refused_quickly(guest: &Guest) -> String {
    let rig = Rig::new();
    rig.install(guest);
    rig.processor(ProcessorConfig {
        limits: Limits { timeout: Duration::from_millis(5), ..Limits::default() },
        ..mine()
    });
    let refused = rig.sandbox.ready().await.expect_err("it is refused");
    refused.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn refuses_a_guest_that_takes_too_much_before_it_is_ready() {
    let (spin, deep) = ("(loop $forever (br $forever))", "(call $deep)");
    let grow = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    for (guest, said) in [
        (Guest::idle().in_start(spin), "longer than 100ms"),
        (Guest::idle().in_configure(spin), "longer than 100ms"),
        (Guest::idle().in_process(spin), "self-test"),
        (Guest::idle().in_start(deep), "call stack exhausted"),
        (Guest::idle().in_configure(deep), "call stack exhausted"),
        (Guest::idle().in_start(grow), "limit of 64 MiB"),
        (Guest::idle().in_configure(grow), "limit of 64 MiB"),
        (Guest::default().reads(&"x".repeat(50_000), &[]).copies_of_reads(200), "limit of 4 MiB"),
        (large_patterns(), "patterns of the plan took longer"),
    ] {
        let refused = refused_quickly(&guest).await;
        assert!(refused.contains(said), "{said}: {refused:.500}");
    }
}

#[tokio::test]
async fn refuses_a_guest_that_traps_in_its_self_test() {
    says(&Guest::idle().in_process("unreachable").build(), &["failed its self-test", "unreachable"]).await;
}

#[tokio::test]
async fn refuses_a_plan_that_the_grants_do_not_cover_or_that_makes_no_sense() {
    says(&Guest::idle().reads("log.colour", &[]).build(), &["plan is refused", "log.colour"]).await;
    says(&Guest::default().reads("log.body", &["(unclosed"]).build(), &["plan is refused", "log.body"]).await;
}

#[tokio::test]
async fn refuses_a_route_that_the_pipeline_does_not_have() {
    let mut rig = Rig::new();
    rig.routes = vec!["audit".to_owned()];
    let said = rig.refusal(&Guest::idle().routes(&["archive"]).build()).await;
    assert!(said.contains("\"archive\"") && said.contains("audit"), "{said}");
}

#[tokio::test]
async fn refuses_everything_until_the_module_is_loaded() {
    let rig = Rig::new();
    rig.install(&Guest::idle());
    let processor = rig.processor(mine());
    let failure = processor.consume(logs(&["one"])).await.unwrap_err();
    assert!(failure.to_string().contains("not loaded yet"), "{failure}");
    rig.sandbox.ready().await.unwrap();
    processor.consume(logs(&["one"])).await.unwrap();
}

#[tokio::test]
async fn an_unknown_module_is_named_with_those_that_there_are() {
    let rig = Rig::new();
    let config = ProcessorConfig { module: "nobody".to_owned(), ..mine() };
    let (id, pipeline) = ("wasm/x".parse().unwrap(), "logs".parse().unwrap());
    let next = std::sync::Arc::<crate::rig::Sink>::clone(&rig.sink);
    let error = rig.sandbox.processor(id, pipeline, config, &[], next).err().expect("there is no such module");
    assert!(error.to_string().contains("no module \"nobody\""), "{error}");
}

#[tokio::test]
async fn loads_a_module_by_its_path() {
    let rig = Rig::new();
    fs::write(rig.folder.path().join("mine.wasm"), Guest::label("cluster.id", "path").build()).unwrap();
    let processor = rig.processor(ProcessorConfig { module: "./mine.wasm".to_owned(), ..mine() });
    rig.sandbox.ready().await.unwrap();
    processor.consume(logs(&["one"])).await.unwrap();
    assert_eq!(label(&rig.sink.take()[0].payload, "cluster.id").as_deref(), Some("path"));
}

#[tokio::test]
async fn compiles_a_module_once_and_discards_native_code_that_was_tampered_with() {
    let rig = Rig::new();
    let guest = Guest::label("cluster.id", "eu-1");
    rig.start(&guest).await;
    let native = |rig: &Rig| {
        let entries = fs::read_dir(rig.folder.path().join("cache")).unwrap().map(|entry| entry.unwrap().path());
        let mut native: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "cwasm")).collect();
        assert_eq!(native.len(), 1, "{native:?}");
        native.remove(0)
    };
    let path = native(&rig);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);

    // Another sandbox on the same cache has a compiler that cannot be started: it does not need one.
    let again = |rig: &Rig| {
        let config =
            ModulesConfig { cache: Some("cache".into()), folder: Some("modules".into()), ..ModulesConfig::default() };
        let config = ModulesConfig { grants: [("mine".to_owned(), all())].into(), ..config };
        let compile = Compile { program: "/nonexistent".into(), arguments: vec![] };
        Sandbox::start_with(config, &[], Metrics::new(), rig.folder.path().to_path_buf(), compile).unwrap()
    };
    let sandbox = again(&rig);
    let (id, pipeline) = ("wasm/mine".parse().unwrap(), "logs".parse().unwrap());
    let next = std::sync::Arc::<crate::rig::Sink>::clone(&rig.sink);
    sandbox.processor(id, pipeline, mine(), &[], next).unwrap();
    sandbox.ready().await.unwrap();

    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    // A new file: the sandboxes above have mapped the old one.
    crate::rig::replace(&path, &bytes);
    let sandbox = again(&rig);
    let (id, pipeline) = ("wasm/mine".parse().unwrap(), "logs".parse().unwrap());
    let next = std::sync::Arc::<crate::rig::Sink>::clone(&rig.sink);
    sandbox.processor(id, pipeline, mine(), &[], next).unwrap();
    let failures = sandbox.ready().await.unwrap_err();
    assert!(failures[0].to_string().contains("cannot be started"), "{failures:?}");
    assert!(!path.exists());
}

fn all() -> host_wasm::GrantsConfig {
    host_wasm::GrantsConfig { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()], metadata: Vec::new() }
}

#[tokio::test]
async fn will_not_keep_native_code_where_others_may_write() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    fs::create_dir(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o755)).unwrap();
    let config = ModulesConfig { cache: Some("cache".into()), ..ModulesConfig::default() };
    let sandbox =
        Sandbox::start(config, &[], Metrics::new(), folder.path().to_path_buf()).expect("nothing is kept yet");
    let (id, pipeline) = ("wasm/x".parse().unwrap(), "logs".parse().unwrap());
    let next = std::sync::Arc::<crate::rig::Sink>::default();
    let error = sandbox.processor(id, pipeline, mine(), &[], next).err().expect("it is open");
    assert!(error.to_string().contains("open to others"), "{error}");
}

#[tokio::test]
async fn a_compiler_that_never_ends_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("modules")).unwrap();
    fs::write(folder.path().join("modules/mine.wasm"), Guest::idle().build()).unwrap();
    let mut config =
        ModulesConfig { cache: Some("cache".into()), folder: Some("modules".into()), ..ModulesConfig::default() };
    config.limits.compile_timeout = Duration::from_millis(200);
    let script = folder.path().join("stuck");
    fs::write(&script, "#!/bin/sh\nexec /bin/sleep 600\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let compile = Compile { program: "/bin/sh".into(), arguments: vec![script.into()] };
    let sandbox = Sandbox::start_with(config, &[], Metrics::new(), folder.path().to_path_buf(), compile).unwrap();
    let (id, pipeline) = ("wasm/mine".parse().unwrap(), "logs".parse().unwrap());
    sandbox.processor(id, pipeline, mine(), &[], std::sync::Arc::new(crate::rig::Sink::default())).unwrap();
    let failures = sandbox.ready().await.unwrap_err();
    assert!(failures[0].to_string().contains("compiling took longer than 200ms"), "{failures:?}");
}
