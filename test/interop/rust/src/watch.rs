use etcd_client::{Client, WatchFilterType, WatchOptions};

use crate::suite::{next, put, some, want, want_changes, Outcome, Suite};

pub async fn checks(suite: &mut Suite, client: &Client) {
    suite.check("watch: created, then events", live(client.clone())).await;
    suite.check("watch: from a revision of the past, with the previous pairs", past(client.clone())).await;
    suite.check("watch: filters", filters(client.clone())).await;
    suite.check("watch: several on one stream, canceled one by one", several(client.clone())).await;
    suite.check("watch: progress that is asked for", progress(client.clone())).await;
    suite.check("watch: progress notifications", notified(client.clone())).await;
    suite.check("watch: canceled below the compact revision", compacted(client.clone())).await;
    suite.check("watch: an id that is taken, and a range that ends before it begins", refused(client.clone())).await;
    suite.check("watch: a large deletion in fragments", fragments(client.clone())).await;
}

async fn live(mut client: Client) -> Outcome {
    let mut stream = client.watch("rs/w", None).await?;
    let created = next(&mut stream).await?;
    want("created", (created.created(), created.events().len()), (true, 0))?;
    put(&mut client, "rs/w", "1").await?;
    put(&mut client, "rs/other", "x").await?;
    client.delete("rs/w", None).await?;
    want_changes(&mut stream, &["PUT rs/w=1", "DELETE rs/w"]).await
}

async fn past(mut client: Client) -> Outcome {
    let revision = put(&mut client, "rs/p/a", "1").await?;
    put(&mut client, "rs/p/a", "2").await?;
    client.delete("rs/p/a", None).await?;
    let options = WatchOptions::new().with_prefix().with_start_revision(revision).with_prev_key();
    let mut stream = client.watch("rs/p/", Some(options)).await?;
    want_changes(&mut stream, &["PUT rs/p/a=1", "PUT rs/p/a=2 was 1", "DELETE rs/p/a was 2"]).await
}

async fn filters(mut client: Client) -> Outcome {
    let revision = put(&mut client, "rs/f", "1").await?;
    client.delete("rs/f", None).await?;
    put(&mut client, "rs/f", "2").await?;
    let options = || WatchOptions::new().with_start_revision(revision);
    let no_put = options().with_filters([WatchFilterType::NoPut]);
    want_changes(&mut client.watch("rs/f", Some(no_put)).await?, &["DELETE rs/f"]).await?;
    let no_delete = options().with_filters([WatchFilterType::NoDelete]);
    want_changes(&mut client.watch("rs/f", Some(no_delete)).await?, &["PUT rs/f=1", "PUT rs/f=2"]).await
}

async fn several(mut client: Client) -> Outcome {
    let mut stream = client.watch("rs/s/1", Some(WatchOptions::new().with_watch_id(7))).await?;
    want("first id", next(&mut stream).await?.watch_id(), 7)?;
    stream.watch("rs/s/2", Some(WatchOptions::new().with_watch_id(9))).await?;
    want("second id", next(&mut stream).await?.watch_id(), 9)?;
    put(&mut client, "rs/s/1", "a").await?;
    want("told to the first", next(&mut stream).await?.watch_id(), 7)?;
    stream.cancel(7).await?;
    let canceled = next(&mut stream).await?;
    want("canceled", (canceled.watch_id(), canceled.canceled()), (7, true))?;
    put(&mut client, "rs/s/1", "b").await?;
    put(&mut client, "rs/s/2", "b").await?;
    want_changes(&mut stream, &["PUT rs/s/2=b"]).await
}

async fn progress(mut client: Client) -> Outcome {
    let mut stream = client.watch("rs/quiet", None).await?;
    next(&mut stream).await?;
    let revision = put(&mut client, "rs/loud", "1").await?;
    loop {
        stream.request_progress().await?;
        let told = next(&mut stream).await?;
        want("id and events", (told.watch_id(), told.events().len()), (-1, 0))?;
        // The member of the stream may be behind the one that took the write.
        if some(told.header(), "header")?.revision() >= revision {
            return Ok(());
        }
    }
}

async fn notified(mut client: Client) -> Outcome {
    let mut stream = client.watch("rs/quiet", Some(WatchOptions::new().with_progress_notify())).await?;
    let created = next(&mut stream).await?;
    let revision = put(&mut client, "rs/loud", "2").await?;
    loop {
        let told = next(&mut stream).await?;
        want("id and events", (told.watch_id(), told.events().len()), (created.watch_id(), 0))?;
        if some(told.header(), "header")?.revision() >= revision {
            return Ok(());
        }
    }
}

async fn compacted(mut client: Client) -> Outcome {
    let old = put(&mut client, "rs/old", "1").await?;
    let revision = put(&mut client, "rs/old", "2").await?;
    client.compact(revision, None).await?;
    let mut stream = client.watch("rs/old", Some(WatchOptions::new().with_start_revision(old))).await?;
    want("created", next(&mut stream).await?.created(), true)?;
    let canceled = next(&mut stream).await?;
    want("canceled at", (canceled.canceled(), canceled.compact_revision()), (true, revision))
}

async fn refused(mut client: Client) -> Outcome {
    let mut stream = client.watch("rs/id", Some(WatchOptions::new().with_watch_id(3))).await?;
    next(&mut stream).await?;
    stream.watch("rs/id", Some(WatchOptions::new().with_watch_id(3))).await?;
    let taken = next(&mut stream).await?;
    want("taken", (taken.watch_id(), taken.created(), taken.canceled()), (-1, true, true))?;
    want("reason", taken.cancel_reason(), "mvcc: duplicate watch ID provided on the WatchStream")?;
    stream.watch("b", Some(WatchOptions::new().with_range("a"))).await?;
    want("reason", next(&mut stream).await?.cancel_reason(), "mvcc: watcher range is empty")
}

async fn fragments(mut client: Client) -> Outcome {
    let value = vec![b'x'; 1 << 20];
    let mut revision = 0;
    for name in ["1", "2", "3", "4"] {
        let answer = client.put(format!("rs/big/{name}"), value.clone(), None).await?;
        revision = some(answer.header(), "header")?.revision();
    }
    // The member of the stream may not have these yet.
    let options = WatchOptions::new().with_prefix().with_prev_key().with_fragment().with_start_revision(revision + 1);
    let mut stream = client.watch("rs/big/", Some(options)).await?;
    next(&mut stream).await?;
    client.delete("rs/big/", Some(etcd_client::DeleteOptions::new().with_prefix())).await?;
    let mut bytes = Vec::new();
    let mut responses = 0;
    while bytes.len() < 4 {
        responses += 1;
        for event in next(&mut stream).await?.events() {
            bytes.push(some(event.prev_kv(), "previous pair")?.value().len());
        }
    }
    want("bytes", bytes, vec![value.len(); 4])?;
    want("more than one response", responses > 1, true)
}
