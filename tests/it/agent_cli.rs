//! The agent's command line and configuration, as its users meet them.

use std::{env, fs, path::Path};

use xunjian_agent::{
    cli::{self, Console, Lang},
    config::{Config, SourceConfig, duration_text},
    source::Source,
    sources,
};
use xunjian_proto::{Outcome, Readings};

use crate::{fixtures::repo, recorder::Folder};

struct Told {
    code: u8,
    out: String,
    err: String,
}

fn agent(args: &[&str]) -> Told {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut console = Console { out: &mut out, err: &mut err, progress: false, lang: Lang::Zh };
    let args = ["xunjian-agent"].iter().chain(args).map(|it| (*it).into());
    let code = cli::main(args, &mut console);
    Told { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

/// A recorded host with a degraded array and nothing else.
fn degraded(folder: &Folder) -> String {
    let root = folder.path("host/root/proc");
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("mdstat"), MDSTAT).unwrap();
    folder.path("host").display().to_string()
}

const MDSTAT: &str = "Personalities : [raid1]\n\
    md0 : active raid1 sdb1[1](F) sda1[0]\n      1046528 blocks super 1.2 [2/1] [U_]\n      \n\
    unused devices: <none>\n";

#[test]
fn the_example_shows_every_key_with_its_default() {
    let file = repo().join("deploy/agent.example.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    if env::var_os("UPDATE").is_some() {
        sources::ALL.iter().for_each(|it| show_section(&mut text, it));
        fs::write(&file, &text).unwrap();
    }
    let mut config = Config::parse(&text, sources::ALL).unwrap();
    for section in config.sources.values_mut() {
        section.options.clear();
    }
    config.sources.retain(|name, section| {
        let source = sources::ALL.iter().find(|it| it.name == name).unwrap();
        *section != SourceConfig::of(source)
    });
    assert_eq!(config, Config::default());
    for key in ["folder", "address", "gather", "bytes_max", "age_max", "defer", "cpu_pressure_max"]
        .iter()
        .chain(&["io_pressure_max", "load_per_cpu_max", "deferrals_max"])
    {
        assert!(text.contains(&format!("\n{key} = ")), "{key} is not shown");
    }
    for source in sources::ALL {
        let section = section(source);
        assert!(text.contains(&section), "deploy/agent.example.toml lacks:\n{section}");
    }
}

fn section(source: &Source) -> String {
    format!(
        "\n[sources.{}]\nenabled = true\nevery = \"{}\"\ndeadline = \"{}\"\n",
        source.name,
        duration_text(source.every),
        duration_text(source.deadline)
    )
}

/// Puts a new source where it belongs; sections that are there may have comments and keys of their own.
fn show_section(text: &mut String, source: &Source) {
    let head = |name: &str| format!("\n[sources.{name}]\n");
    if text.contains(&head(source.name)) {
        return;
    }
    let later = sources::ALL.iter().filter(|it| it.name > source.name);
    let place = later.filter_map(|it| text.find(&head(it.name))).min().unwrap_or(text.len());
    text.insert_str(place, &section(source));
}

#[test]
fn all_mistakes_are_told_at_once_with_key_value_and_the_nearest_key() {
    let text = "foldr = '/x'\n[collector]\naddress = 'nowhere'\n[spool]\nage_max = 5\ngather = '2m'\n[load]\n\
        io_pressure_max = 400\n[sources.md]\nevry = '1m'\nevery = '1s'\n[sources.smrt]\nenabled = true\n";
    let folder = Folder::new("mistakes");
    fs::write(folder.path("agent.toml"), text).unwrap();
    let told = agent(&["check", "--config", folder.path("agent.toml").to_str().unwrap()]);
    assert_eq!((told.code, &*told.out), (2, ""));
    for wanted in [
        "8 mistake(s)",
        "foldr = \"/x\": unknown key; did you mean `folder`?",
        "collector.address = \"nowhere\": want \"HOST:PORT\"",
        "spool.age_max = 5: want text in quotes",
        "spool.gather = \"2m\": want at most \"1m\"",
        "load.io_pressure_max = 400: want a number from 0 to 100",
        "sources.md.every = \"1s\": want at least \"5s\"",
        "did you mean `every`?",
        "sources.smrt: unknown section; did you mean `smart`?",
    ] {
        assert!(told.err.contains(wanted), "no {wanted:?} in\n{}", told.err);
    }
}

#[test]
fn a_file_that_is_no_toml_says_where() {
    let mistakes = Config::parse("a = \nb = 1", sources::ALL).unwrap_err();
    assert!(mistakes.len() == 1 && mistakes[0].to_string().contains("line 1"), "{mistakes:?}");
}

#[test]
fn once_shows_a_recorded_host_in_chinese_and_english() {
    let folder = Folder::new("once");
    let host = degraded(&folder);
    let told = agent(&["once", "--host-dir", &host, "--only", "md"]);
    assert_eq!(told.code, 0, "{}", told.err);
    for wanted in ["检查项", "已检查", "软件 RAID 阵列", "md0", "缺失成员数"] {
        assert!(told.out.contains(wanted), "no {wanted} in\n{}", told.out);
    }
    let told = agent(&["once", "--host-dir", &host, "--lang", "en"]);
    assert!(told.out.contains("absent") && told.out.contains("smart (smartctl)"), "{}", told.out);
}

#[test]
fn json_readings_are_the_same_each_time_and_can_be_read_back() {
    let folder = Folder::new("json");
    let host = degraded(&folder);
    let told = || agent(&["read", "md", "--host-dir", &host, "--at", "1800000000"]).out;
    assert_eq!(told(), told());
    let readings: Readings = serde_json::from_str(&told()).unwrap();
    assert_eq!(readings.runs[0].at.secs(), 1_800_000_000);
    assert_eq!(readings.runs[0].outcome, Outcome::Collected);
}

#[test]
fn a_host_of_which_nothing_can_be_read_is_no_success() {
    let folder = Folder::new("nothing");
    fs::create_dir_all(folder.path("host/root")).unwrap();
    let host = folder.path("host").display().to_string();
    assert_eq!(agent(&["once", "--host-dir", &host, "--only", "md,smart"]).code, 1);
}

#[test]
fn mistakes_of_the_command_line_are_told_and_are_status_2() {
    for (args, wanted) in [
        (vec!["once", "--only", "smrt"], "did you mean `smart`?"),
        (vec!["once", "--host-dir", "/no-such-dir"], "is not a recording"),
        (vec!["onec"], "once"),
        (vec!["read", "md"], "which files?"),
        (vec!["check", "--config", "/no-such-file"], "cannot read the configuration"),
    ] {
        let told = agent(&args);
        assert_eq!(told.code, 2, "{args:?}: {}", told.err);
        assert!(told.err.contains(wanted), "{args:?}: {}", told.err);
    }
}

#[test]
fn a_mailed_mdstat_gives_the_readings_of_its_host() {
    let folder = Folder::new("mailed");
    fs::write(folder.path("from-customer.txt"), MDSTAT).unwrap();
    let file = folder.path("from-customer.txt").display().to_string();
    let told = agent(&["read", "md", &file, "--host", "node7", "--at", "1800000000"]);
    assert_eq!(told.code, 0, "{}", told.err);
    let readings: Readings = serde_json::from_str(&told.out).unwrap();
    assert_eq!(readings.host.hostname, "node7");
    let degraded =
        readings.runs[0].samples.iter().find(|it| it.series.metric == "md.array.degraded");
    assert_eq!(degraded.unwrap().value.to_bits(), 1.0_f64.to_bits());
}

/// The least that smartctl says of a disk.
fn smartctl(serial: &str) -> String {
    serde_json::json!({
        "smartctl": { "version": [7, 3], "exit_status": 0, "argv": ["smartctl", "--json", "-x", "/dev/sda"] },
        "local_time": { "time_t": 1_800_000_000 },
        "device": { "name": "/dev/sda", "info_name": "/dev/sda [SAT]", "type": "sat", "protocol": "ATA" },
        "model_name": "Synthetic 1000", "serial_number": serial,
        "smart_status": { "passed": true }, "temperature": { "current": 31 },
        "smart_support": { "available": true, "enabled": true }
    })
    .to_string()
}

#[test]
fn what_tools_print_for_people_is_read_like_what_they_print_for_programs() {
    let folder = Folder::new("printed");
    let detail = folder.path("detail.txt");
    fs::write(
        &detail,
        "/dev/md3:\n           Version : 1.2\n        Raid Level : raid5\n        Array Size : 8192 (8.00 MiB)\n      Raid Devices : 3\n\
         \n             State : clean, degraded \n              UUID : 8c3a6f0e:1f6b2a9d:77b1c0de:52f0a9c1\n\n    Number   Major   \
         Minor   RaidDevice State\n       0       8        0        0      active sync   /dev/sda\n       -       0        0        \
         1      removed\n       2       8       32        2      active sync   /dev/sdc\n\n       1       8       16        -      \
         faulty   /dev/sdb\n",
    )
    .unwrap();
    let told = agent(&["read", "md", &detail.display().to_string(), "--at", "1800000000"]);
    for wanted in [
        "md:8c3a6f0e:1f6b2a9d:77b1c0de:52f0a9c1",
        "\"metric\": \"md.array.degraded\"",
        "\"state\": \"failed\"",
    ] {
        assert!(told.out.contains(wanted), "{wanted}: {}{}", told.out, told.err);
    }
    assert!(!told.out.contains("missing\","), "a failed member explains its place: {}", told.out);
    let volumes = folder.path("volumes.txt");
    fs::write(
        &volumes,
        "CLI Version = 007.1017.0000.0000\nController = 0\nStatus = Success\nDescription = None\n\n\nVirtual Drives :\n======\n\n\
         ----------------------------------------------------------\n\
         DG/VD TYPE  State Access Consist Cache sCC      Size Name \n\
         ----------------------------------------------------------\n\
         0/0   RAID5 Dgrd  RW     Yes     RWBD  OFF 10.913 TB data \n\
         ----------------------------------------------------------\n",
    )
    .unwrap();
    let told = agent(&["read", "hwraid", &volumes.display().to_string(), "--at", "1800000000"]);
    for wanted in ["\"scheme\": \"raid5\"", "\"name\": \"VD0 data\""] {
        assert!(told.out.contains(wanted), "{wanted}: {}{}", told.out, told.err);
    }
}

#[test]
fn mailed_smartctl_outputs_of_two_disks_with_one_name_stay_two() {
    let folder = Folder::new("smart");
    for serial in ["AAA111", "BBB222"] {
        fs::write(folder.path(serial), smartctl(serial)).unwrap();
    }
    let path = |name: &str| folder.path(name).display().to_string();
    let told = agent(&["read", "smart", &path("AAA111"), &path("BBB222")]);
    assert_eq!(told.code, 0, "{}", told.err);
    let readings: Readings = serde_json::from_str(&told.out).unwrap();
    let run = &readings.runs[0];
    let serials: Vec<_> =
        run.components.iter().filter_map(|it| it.attrs.get("hw.serial_number")).collect();
    assert_eq!(serials, ["AAA111", "BBB222"]);
    assert_eq!(run.at.secs(), 1_800_000_000);
}

#[test]
fn a_printed_smartctl_is_read_beside_json_and_an_empty_serial_number_names_nobody() {
    let folder = Folder::new("smart-text");
    let printed = |serial: &str| {
        format!(
            "smartctl 7.3 2022-02-28 r5338 [x86_64-linux-6.1.0] (local build)\n\nDevice Model:     ST4000NM0035-1V4107\n\
             Serial Number:    {serial}\nSMART overall-health self-assessment test result: PASSED\n\n\
             ID# ATTRIBUTE_NAME          FLAGS    VALUE WORST THRESH FAIL RAW_VALUE\n\
             \x20 5 Reallocated_Sector_Ct   PO--CK   100   100   010    -    16\n"
        )
    };
    let files = [printed("TXT111"), printed(""), printed("0000000000"), smartctl("JSON222")];
    let paths = ["a", "b", "c", "d"].map(|it| folder.path(it).display().to_string());
    for (path, content) in paths.iter().zip(files) {
        fs::write(path, content).unwrap();
    }
    let mut args = vec!["read", "smart"];
    args.extend(paths.iter().map(String::as_str));
    let told = agent(&args);
    assert_eq!(told.code, 0, "{}", told.err);
    let readings: Readings = serde_json::from_str(&told.out).unwrap();
    let run = &readings.runs[0];
    let unstable = run.components.iter().filter(|it| it.attrs.contains_key("identity")).count();
    assert_eq!((run.components.len(), unstable), (4, 2), "{:?}", run.components);
    let counted = run.samples.iter().filter(|it| it.series.metric.ends_with("reallocated_sectors"));
    assert_eq!(counted.map(|it| it.value).collect::<Vec<_>>(), [16.0; 3]);
}

#[test]
fn what_is_no_tool_output_is_refused_with_what_was_wanted() {
    let folder = Folder::new("garbage");
    fs::write(folder.path("x"), "hello").unwrap();
    let file = folder.path("x").display().to_string();
    for (source, wanted) in [("smart", "smartctl --json"), ("md", "/proc/mdstat")] {
        let told = agent(&["read", source, &file]);
        assert!(told.code == 2 && told.err.contains(wanted), "{}", told.err);
    }
}

#[test]
fn a_recording_made_on_the_command_line_gives_the_same_readings() {
    let folder = Folder::new("record");
    let host = degraded(&folder);
    let kept = folder.path("kept").display().to_string();
    let told = agent(&["record", &kept, "--host-dir", &host]);
    assert_eq!((told.code, told.out.trim()), (0, &*kept), "{}", told.err);
    assert!(Path::new(&kept).join("meta.json").exists());
    let read = |host: &str| agent(&["read", "md", "--host-dir", host, "--at", "1800000000"]).out;
    assert_eq!(read(&kept), read(&host));
    let told = agent(&["record", &kept, "--host-dir", &host]);
    assert!(told.code == 1 && told.err.contains("not empty"), "{}", told.err);
}

#[test]
fn the_list_names_every_source_program_and_metric() {
    let text = agent(&["list"]).out;
    let markdown = agent(&["list", "--format", "markdown"]).out;
    let json = agent(&["list", "--format", "json"]).out;
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    for source in sources::ALL {
        let metrics = source.metrics.iter().map(|it| it.name);
        let words = [source.name, source.about.zh, source.harmless.zh];
        for wanted in metrics.chain(words).chain(source.runs.iter().copied()) {
            assert!(text.contains(wanted) && markdown.contains(wanted), "{wanted}");
        }
    }
}

#[test]
fn a_bundle_of_a_recording_is_written_and_not_signed_with_this_hosts_name() {
    let folder = Folder::new("bundle");
    let host = degraded(&folder);
    let file = folder.path("one.bundle").display().to_string();
    let told = agent(&["bundle", &file, "--host-dir", &host, "--only", "md"]);
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.out.contains("1 runs, not signed"), "{}", told.out);
    assert!(fs::metadata(&file).unwrap().len() > 100);
}

#[test]
fn enrolment_wants_a_collector_and_a_token_that_is_one() {
    let folder = Folder::new("enrol");
    let config = folder.path("agent.toml").display().to_string();
    fs::write(&config, format!("folder = \"{}\"\n", folder.path("agent").display())).unwrap();
    let told = agent(&["enrol", "--config", &config, "--token", "x"]);
    assert!(told.code == 2 && told.err.contains("which collector?"), "{}", told.err);
    let args = ["enrol", "--config", &config, "--collector", "127.0.0.1:1", "--token", "x"];
    let told = agent(&args);
    assert!(told.code == 1 && told.err.contains("cannot enrol at 127.0.0.1:1: "), "{}", told.err);
    assert!(!folder.path("agent").exists());
}

#[test]
fn a_mailed_kernel_log_gives_events_at_the_time_before_it_was_made() {
    let folder = Folder::new("kmsg");
    let file = folder.path("dmesg.txt").display().to_string();
    let oom = "Out of memory: Killed process 4242 (java) total-vm:1kB, anon-rss:1kB";
    fs::write(&file, format!("[  100.000000] hello\n[  400.000000] {oom}\n")).unwrap();
    let told = agent(&["read", "kmsg", &file, "--at", "1800000000"]);
    assert_eq!(told.code, 0, "{}", told.err);
    let readings: Readings = serde_json::from_str(&told.out).unwrap();
    let events: Vec<_> =
        readings.runs[0].events.iter().map(|it| (&*it.kind, it.at.secs())).collect();
    assert_eq!(events, [("kernel.oom_kill", 1_800_000_000)]);
}
