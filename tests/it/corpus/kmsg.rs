//! Kernel logs.

use std::fs;

use xunjian_agent::host::Given;

use super::{collect, corpus, files};

#[test]
fn benign_kernel_logs_of_the_field_are_quiet_and_bad_ones_are_not() {
    let Some(corpus) = corpus("kernlog") else { return };
    for file in files(&corpus) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let bare = |line: &str| {
            line.strip_prefix('[')
                .and_then(|it| it.split_once(']'))
                .map(|it| it.1.trim().to_owned())
        };
        let records = text.lines().filter(|it| !it.trim().is_empty()).enumerate();
        let records: Vec<String> = records
            .map(|(at, line)| match line.split_once(";") {
                Some((head, _)) if head.ends_with(",-") => line.to_owned(),
                _ => format!("3,{at},{at},-;{}", bare(line).unwrap_or_else(|| line.to_owned())),
            })
            .collect();
        let mut host = Given::default();
        host.file("dev/kmsg", records.join("\n"));
        let events = collect("kmsg", &host).unwrap().events;
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        eprintln!("{name}: {} lines, {} events", records.len(), events.len());
        let quiet = name.starts_with("benign") || name.starts_with("lorem");
        assert!(!quiet || events.is_empty(), "{name}: {events:?}");
        assert!(!name.contains("rcu-stall") || !events.is_empty(), "{name} is quiet");
    }
}
