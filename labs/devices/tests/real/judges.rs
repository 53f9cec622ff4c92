//! ncclient and netmiko drive every personality.

use crate::peers::{Ruled, python};

async fn ncclient(personality: &str) {
    if !tests_real::wanted(&format!("ncclient drives {personality}")) {
        return;
    }
    let ruled = Ruled::start(personality).await;
    let port = ruled.device().netconf.unwrap().to_string();
    let arguments = [
        "127.0.0.1".to_owned(),
        port,
        personality.to_owned(),
        ruled.control.clone(),
    ];
    assert!(python("ncclient_personality.py", &arguments).await.contains("ok"));
    let operations = ruled.device().counts().values().sum();
    tests_real::operations(tests_real::Part::Ncclient, operations);
    tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while ruled.device().sessions() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("no session is left when the judge is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ncclient_meets_every_fault() {
    if !tests_real::wanted("ncclient meets every fault") {
        return;
    }
    let ruled = Ruled::start("confirmed").await;
    let port = ruled.device().netconf.unwrap().to_string();
    let arguments = ["127.0.0.1".to_owned(), port, ruled.control.clone()];
    let said = python("ncclient_faults.py", &arguments).await;
    assert!(said.ends_with("ok\n"), "{said}");
    tests_real::operations(tests_real::Part::Ncclient, ruled.device().counts().values().sum());
}

async fn netmiko(dialect: &str) {
    if !tests_real::wanted(&format!("netmiko drives {dialect}")) {
        return;
    }
    let ruled = Ruled::start(dialect).await;
    let port = ruled.device().cli.unwrap().to_string();
    let arguments = ["127.0.0.1".to_owned(), port, dialect.to_owned(), ruled.control.clone()];
    assert!(python("netmiko_dialect.py", &arguments).await.contains("ok"));
    let operations = ruled.device().counts().values().sum();
    tests_real::operations(tests_real::Part::Netmiko, operations);
}

macro_rules! judged {
    ($judge:ident: $($name:ident $personality:literal),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $judge($personality).await;
            }
        )+
    };
}

judged!(ncclient:
    ncclient_drives_confirmed "confirmed",
    ncclient_drives_confirmed_of_one_session "confirmed-1.0",
    ncclient_drives_candidate "candidate",
    ncclient_drives_running "running",
    ncclient_drives_running_with_startup "running-startup",
    ncclient_drives_running_bare "running-bare",
    ncclient_drives_base_1_0 "base-1.0",
);

judged!(netmiko:
    netmiko_drives_frr "frr",
    netmiko_drives_ios "ios",
    netmiko_drives_vrp "vrp",
);
