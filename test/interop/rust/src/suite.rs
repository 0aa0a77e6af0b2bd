//! Runs checks one after the other and says on a line each what held: "ok NAME" or "not ok NAME -- WHY".

use std::fmt::{Debug, Display};
use std::future::Future;
use std::time::Duration;

use etcd_client::{Client, Error, Event, EventType, WatchResponse, WatchStream};

const CHECK_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a check failed.
pub type Failure = Box<dyn std::error::Error>;
pub type Outcome = Result<(), Failure>;

#[derive(Default)]
pub struct Suite {
    pub failed: bool,
}

impl Suite {
    pub async fn check(&mut self, name: &str, run: impl Future<Output = Outcome>) {
        // Checks that need the cluster for themselves, by line, when other suites run beside this one.
        let left_out = std::env::var("INTEROP_LEAVE_OUT").unwrap_or_default();
        if left_out.lines().any(|line| line == name) {
            return;
        }
        let outcome = match tokio::time::timeout(CHECK_TIMEOUT, run).await {
            Ok(outcome) => outcome,
            Err(_) => Err("it did not end in time".into()),
        };
        match outcome {
            Ok(()) => println!("ok {name}"),
            Err(why) => {
                self.failed = true;
                println!("not ok {name} -- {}", why.to_string().replace('\n', " "));
            }
        }
    }
}

pub fn want<T: PartialEq + Debug>(what: &str, got: T, wanted: T) -> Outcome {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what} is {got:?}, not {wanted:?}").into())
}

/// The message of the gRPC status that a call failed with.
pub fn want_refusal<T>(result: Result<T, Error>, wanted: &str) -> Outcome {
    match result {
        Ok(_) => Err(format!("it succeeded instead of {wanted:?}").into()),
        Err(Error::GRpcStatus(status)) => want("message", status.message(), wanted),
        Err(other) => want("error", other.to_string().as_str(), wanted),
    }
}

pub fn some<T>(value: Option<T>, what: &str) -> Result<T, Failure> {
    value.ok_or_else(|| missing(what))
}

pub fn missing(what: impl Display) -> Failure {
    format!("there is no {what}").into()
}

/// Puts a key and answers the revision of it.
pub async fn put(client: &mut Client, key: &str, value: &str) -> Result<i64, Failure> {
    let answer = client.put(key, value, None).await?;
    Ok(some(answer.header(), "header")?.revision())
}

/// The text of an event: its type, its key, its value, and what was there before if that was asked for.
pub fn change(event: &Event) -> Result<String, Failure> {
    let pair = some(event.kv(), "pair in the event")?;
    let mut text = match event.event_type() {
        EventType::Put => format!("PUT {}={}", pair.key_str()?, pair.value_str()?),
        EventType::Delete => format!("DELETE {}", pair.key_str()?),
    };
    if let Some(before) = event.prev_kv() {
        text += &format!(" was {}", before.value_str()?);
    }
    Ok(text)
}

/// The next response of a stream that has not ended.
pub async fn next(stream: &mut WatchStream) -> Result<WatchResponse, Failure> {
    some(stream.message().await?, "further response")
}

/// Reads as many events as are wanted and compares them.
pub async fn want_changes(stream: &mut WatchStream, wanted: &[&str]) -> Outcome {
    let mut got = Vec::new();
    while got.len() < wanted.len() {
        let response = next(stream).await?;
        if response.canceled() {
            return Err(format!("canceled after {got:?}: {}", response.cancel_reason()).into());
        }
        for event in response.events() {
            got.push(change(event)?);
        }
    }
    want("events", got.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), wanted)
}
