//! Drives a cluster through etcd-client from crates.io. Usage: suite URL [URL ...]

mod concurrency;
mod kv;
mod lease;
mod maintenance;
mod suite;
mod watch;

use std::process::ExitCode;

use etcd_client::Client;

use suite::{Failure, Suite};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Failure> {
    let endpoints: Vec<String> = std::env::args().skip(1).collect();
    let client = Client::connect(&endpoints, None).await?;
    let mut suite = Suite::default();
    kv::checks(&mut suite, &client).await;
    watch::checks(&mut suite, &client).await;
    lease::checks(&mut suite, &client).await;
    concurrency::checks(&mut suite, &client).await;
    maintenance::checks(&mut suite, &client, &endpoints).await;
    Ok(if suite.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
