use std::time::{Duration, Instant};

use etcd_client::{Client, LeaseGrantOptions, LeaseTimeToLiveOptions, PutOptions};

use crate::suite::{next, some, want, want_changes, want_refusal, Outcome, Suite};

const NEVER: i64 = 0x1234567890abcdef;

pub async fn checks(suite: &mut Suite, client: &Client) {
    suite.check("lease: grant, time to live, revoke", life(client.clone())).await;
    suite.check("lease: an id of one's own, which is taken then", own_id(client.clone())).await;
    suite.check("lease: it expires, and its key with it", expiry(client.clone())).await;
    suite.check("lease: kept alive longer than its time", keep_alive(client.clone())).await;
    suite.check("lease: one that is not there", not_there(client.clone())).await;
}

async fn life(mut client: Client) -> Outcome {
    let lease = client.lease_grant(60, None).await?;
    for key in ["rs/l/b", "rs/l/a"] {
        client.put(key, "x", Some(PutOptions::new().with_lease(lease.id()))).await?;
    }
    let left = client.lease_time_to_live(lease.id(), Some(LeaseTimeToLiveOptions::new().with_keys())).await?;
    let mut keys = left.keys().to_vec();
    keys.sort();
    want("granted", (lease.ttl(), left.granted_ttl()), (60, 60))?;
    want("keys", keys, vec![b"rs/l/a".to_vec(), b"rs/l/b".to_vec()])?;
    client.lease_revoke(lease.id()).await?;
    want("keys left", client.get("rs/l/a", None).await?.count(), 0)
}

async fn own_id(mut client: Client) -> Outcome {
    let options = || Some(LeaseGrantOptions::new().with_id(777));
    want("id", client.lease_grant(60, options()).await?.id(), 777)?;
    want_refusal(client.lease_grant(60, options()).await, "etcdserver: lease already exists")?;
    client.lease_revoke(777).await?;
    Ok(())
}

async fn expiry(mut client: Client) -> Outcome {
    let lease = client.lease_grant(1, None).await?;
    want("the shortest", lease.ttl(), 2)?;
    let mut stream = client.watch("rs/short", None).await?;
    next(&mut stream).await?;
    client.put("rs/short", "x", Some(PutOptions::new().with_lease(lease.id()))).await?;
    want_changes(&mut stream, &["PUT rs/short=x", "DELETE rs/short"]).await?;
    want("time to live", client.lease_time_to_live(lease.id(), None).await?.ttl(), -1)
}

async fn keep_alive(mut client: Client) -> Outcome {
    let lease = client.lease_grant(2, None).await?;
    let (mut keeper, mut stream) = client.lease_keep_alive(lease.id()).await?;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(3_500) {
        keeper.keep_alive().await?;
        want("renewed for", some(stream.message().await?, "answer")?.ttl(), 2)?;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    client.lease_revoke(lease.id()).await?;
    keeper.keep_alive().await?;
    want("renewed after the revocation", some(stream.message().await?, "answer")?.ttl(), 0)
}

async fn not_there(mut client: Client) -> Outcome {
    want_refusal(client.lease_revoke(NEVER).await, "etcdserver: requested lease not found")?;
    want("time to live", client.lease_time_to_live(NEVER, None).await?.ttl(), -1)?;
    want("keep-alive", client.lease_keep_alive(NEVER).await.is_err(), true)
}
