use std::time::Duration;

use etcd_client::{Client, LockOptions, ProclaimOptions, ResignOptions};

use crate::suite::{some, want, want_refusal, Failure, Outcome, Suite};

/// How long a check watches that something does not happen.
const WAITS: Duration = Duration::from_millis(300);

pub async fn checks(suite: &mut Suite, client: &Client) {
    suite.check("lock: held, waited for and handed on", locks(client.clone())).await;
    suite.check("lock: the lease ends while it waits", lock_lost(client.clone())).await;
    suite.check("lock: without a lease the server grants one", lock_alone(client.clone())).await;
    suite.check("election: campaign, proclaim, leader, resign", elections(client.clone())).await;
    suite.check("election: observe", observe(client.clone())).await;
    suite.check("election: refusals", election_refusals(client.clone())).await;
}

async fn lease(client: &mut Client) -> Result<i64, Failure> {
    Ok(client.lease_grant(60, None).await?.id())
}

async fn locks(mut client: Client) -> Outcome {
    let (first, second) = (lease(&mut client).await?, lease(&mut client).await?);
    let held = client.lock("rs-lock", Some(LockOptions::new().with_lease(first))).await?;
    want("key", held.key(), format!("rs-lock/{first:x}").as_bytes())?;
    let again = client.lock("rs-lock", Some(LockOptions::new().with_lease(first))).await?;
    want("key of the same lease", again.key(), held.key())?;
    let mut other = client.clone();
    let waiting = other.lock("rs-lock", Some(LockOptions::new().with_lease(second)));
    tokio::pin!(waiting);
    if tokio::time::timeout(WAITS, &mut waiting).await.is_ok() {
        return Err("the second did not wait".into());
    }
    client.unlock(held.key()).await?;
    let handed = waiting.await?;
    want("key", handed.key(), format!("rs-lock/{second:x}").as_bytes())?;
    client.unlock(handed.key()).await?;
    Ok(())
}

async fn lock_lost(mut client: Client) -> Outcome {
    let (first, second) = (lease(&mut client).await?, lease(&mut client).await?);
    let held = client.lock("rs-lost", Some(LockOptions::new().with_lease(first))).await?;
    let mut other = client.clone();
    let waiting = other.lock("rs-lost", Some(LockOptions::new().with_lease(second)));
    tokio::pin!(waiting);
    if tokio::time::timeout(WAITS, &mut waiting).await.is_ok() {
        return Err("the second did not wait".into());
    }
    client.lease_revoke(second).await?;
    client.unlock(held.key()).await?;
    want_refusal(waiting.await, "mutex: session is expired")
}

async fn lock_alone(mut client: Client) -> Outcome {
    let held = client.lock("rs-alone", None).await?;
    let got = client.get(held.key(), None).await?;
    let id = some(got.kvs().first(), "pair")?.lease();
    want("time to live", client.lease_time_to_live(id, None).await?.granted_ttl(), 60)?;
    client.unlock(held.key()).await?;
    Ok(())
}

async fn elections(mut client: Client) -> Outcome {
    let (first, second) = (lease(&mut client).await?, lease(&mut client).await?);
    let elected = client.campaign("rs-election", "one", first).await?;
    let leader = some(elected.leader(), "leader")?.clone();
    want("name", leader.name_str()?, "rs-election")?;
    want("key", leader.key_str()?, format!("rs-election/{first:x}").as_str())?;
    let mut other = client.clone();
    let waiting = other.campaign("rs-election", "two", second);
    tokio::pin!(waiting);
    if tokio::time::timeout(WAITS, &mut waiting).await.is_ok() {
        return Err("the second did not wait".into());
    }
    client.proclaim("one again", Some(ProclaimOptions::new().with_leader(leader.clone()))).await?;
    let told = client.leader("rs-election").await?;
    want("leader", some(told.kv(), "pair")?.value_str()?, "one again")?;
    client.resign(Some(ResignOptions::new().with_leader(leader))).await?;
    let next = waiting.await?;
    let told = client.leader("rs-election").await?;
    want("next leader", some(told.kv(), "pair")?.value_str()?, "two")?;
    let next = some(next.leader(), "leader")?.clone();
    client.resign(Some(ResignOptions::new().with_leader(next))).await?;
    Ok(())
}

async fn observe(mut client: Client) -> Outcome {
    let id = lease(&mut client).await?;
    let elected = client.campaign("rs-observed", "one", id).await?;
    let leader = some(elected.leader(), "leader")?.clone();
    let mut stream = client.observe("rs-observed").await?;
    for value in ["one", "two", "three"] {
        if value != "one" {
            client.proclaim(value, Some(ProclaimOptions::new().with_leader(leader.clone()))).await?;
        }
        let told = some(stream.message().await?, "response")?;
        want("observed", some(told.kv(), "pair")?.value_str()?, value)?;
    }
    Ok(())
}

async fn election_refusals(mut client: Client) -> Outcome {
    want_refusal(client.leader("rs-nobody").await, "election: no leader")?;
    let id = lease(&mut client).await?;
    let elected = client.campaign("rs-gone", "one", id).await?;
    let leader = some(elected.leader(), "leader")?.clone();
    client.lease_revoke(id).await?;
    let late = client.proclaim("two", Some(ProclaimOptions::new().with_leader(leader))).await;
    want_refusal(late, "election: not leader")?;
    want_refusal(client.proclaim("two", None).await, "\"leader\" field must be provided")?;
    want_refusal(client.campaign("rs-gone", "one", 0x1234567890abcdef).await, "etcdserver: requested lease not found")
}
