//! The tools: where they lie, and every command line that they are started with.

use crate::{host::Program, source::Need};

/// The tools, or a bus on which a controller may be that has none.
pub(super) const NEEDS: &[Need] = &[
    Need::Path("sys/bus/pci/devices"),
    Need::Program("perccli64"),
    Need::Program("storcli64"),
    Need::Program("perccli2"),
    Need::Program("storcli2"),
    Need::Program("MegaCli64"),
    Need::Program("ssacli"),
    Need::Program("cciss_vol_status"),
    Need::Program("arcconf"),
    Need::Program("sas3ircu"),
    Need::Program("sas2ircu"),
    Need::Program("mpt-status"),
    Need::Program("cli64"),
    Need::Program("tw_cli"),
    Need::Program("mvcli"),
];

const fn tool(name: &'static str, places: &'static [&'static str]) -> Program {
    Program { name, places, root: true }
}

/// Makers' packages install below `/opt`; administrators copy or link the program to where the shell finds it.
pub(super) const PROGRAMS: &[Program] = &[
    tool(
        "perccli64",
        &[
            "/opt/MegaRAID/perccli/perccli64",
            "/usr/sbin/perccli64",
            "/usr/local/sbin/perccli64",
            "/usr/local/bin/perccli64",
            "/usr/sbin/perccli",
        ],
    ),
    tool(
        "storcli64",
        &[
            "/opt/MegaRAID/storcli/storcli64",
            "/usr/sbin/storcli64",
            "/usr/local/sbin/storcli64",
            "/usr/local/bin/storcli64",
            "/usr/sbin/storcli",
            "/usr/local/bin/storcli",
        ],
    ),
    tool(
        "perccli2",
        &["/opt/MegaRAID/perccli2/perccli2", "/usr/sbin/perccli2", "/usr/local/bin/perccli2"],
    ),
    tool(
        "storcli2",
        &["/opt/MegaRAID/storcli2/storcli2", "/usr/sbin/storcli2", "/usr/local/bin/storcli2"],
    ),
    tool(
        "MegaCli64",
        &[
            "/opt/MegaRAID/MegaCli/MegaCli64",
            "/opt/MegaRAID/MegaCli/MegaCli",
            "/usr/sbin/MegaCli64",
            "/usr/sbin/megacli",
            "/usr/local/sbin/MegaCli64",
            "/usr/local/bin/MegaCli64",
        ],
    ),
    tool(
        "ssacli",
        &[
            "/usr/sbin/ssacli",
            "/opt/smartstorageadmin/ssacli/bin/ssacli",
            "/usr/sbin/hpssacli",
            "/opt/hp/hpssacli/bld/hpssacli",
            "/usr/sbin/hpacucli",
        ],
    ),
    tool("cciss_vol_status", &["/usr/bin/cciss_vol_status", "/usr/sbin/cciss_vol_status"]),
    tool(
        "arcconf",
        &[
            "/usr/Arcconf/arcconf",
            "/usr/sbin/arcconf",
            "/opt/Arcconf/arcconf",
            "/usr/StorMan/arcconf",
            "/usr/local/bin/arcconf",
        ],
    ),
    tool(
        "sas3ircu",
        &["/usr/sbin/sas3ircu", "/usr/local/sbin/sas3ircu", "/usr/local/bin/sas3ircu"],
    ),
    tool(
        "sas2ircu",
        &["/usr/sbin/sas2ircu", "/usr/local/sbin/sas2ircu", "/usr/local/bin/sas2ircu"],
    ),
    tool("mpt-status", &["/usr/sbin/mpt-status"]),
    tool(
        "cli64",
        &["/usr/sbin/cli64", "/usr/local/sbin/cli64", "/usr/local/bin/cli64", "/opt/areca/cli64"],
    ),
    tool(
        "tw_cli",
        &[
            "/usr/sbin/tw_cli",
            "/usr/local/sbin/tw_cli",
            "/opt/3ware/CLI/tw_cli",
            "/usr/sbin/tw-cli",
        ],
    ),
    tool(
        "mvcli",
        &[
            "/usr/sbin/mvcli",
            "/opt/marvell/storage/cli/mvcli",
            "/usr/local/bin/mvcli",
            "/bin/mvcli",
        ],
    ),
];

pub(super) const RUNS: &[&str] = &[
    "perccli64 /call show all J nolog",
    "perccli64 /call/eall/sall show all J nolog",
    "perccli64 /call/sall show all J nolog",
    "perccli64 /call/vall show all J nolog",
    "perccli64 /call/eall/sall show rebuild J nolog",
    "storcli64 /call show all J nolog",
    "storcli64 /call/eall/sall show all J nolog",
    "storcli64 /call/sall show all J nolog",
    "storcli64 /call/vall show all J nolog",
    "storcli64 /call/eall/sall show rebuild J nolog",
    "perccli2 /call show all J nolog",
    "perccli2 /call/eall/sall show all J nolog",
    "perccli2 /call/vall show all J nolog",
    "perccli2 /call/eall/sall show rebuild J nolog",
    "storcli2 /call show all J nolog",
    "storcli2 /call/eall/sall show all J nolog",
    "storcli2 /call/vall show all J nolog",
    "storcli2 /call/eall/sall show rebuild J nolog",
    "MegaCli64 -AdpAllInfo -aAll -NoLog",
    "MegaCli64 -LdPdInfo -aAll -NoLog",
    "MegaCli64 -PDList -aAll -NoLog",
    "MegaCli64 -AdpBbuCmd -GetBbuStatus -aAll -NoLog",
    "ssacli ctrl all show config detail",
    "cciss_vol_status -V {device}",
    "arcconf GETCONFIG {number} AL nologs",
    "arcconf GETSTATUS {number} nologs",
    "sas3ircu LIST",
    "sas3ircu {number} DISPLAY",
    "sas2ircu LIST",
    "sas2ircu {number} DISPLAY",
    "mpt-status",
    "cli64 disk info",
    "cli64 rsf info",
    "cli64 vsf info",
    "cli64 hw info",
    "tw_cli show",
    "tw_cli /c{number} show all",
    "tw_cli /c{number}/e{number} show all",
    "mvcli info -o hba",
    "mvcli info -o vd",
    "mvcli info -o pd",
];
