use etcd_client::{
    Client, Compare, CompareOp, CompactionOptions, DeleteOptions, GetOptions, PutOptions, SortOrder, SortTarget, Txn,
    TxnOp, TxnOpResponse,
};

use crate::suite::{put, some, want, want_refusal, Outcome, Suite};

pub async fn checks(suite: &mut Suite, client: &Client) {
    suite.check("kv: put and get", put_and_get(client.clone())).await;
    suite.check("kv: ranges", ranges(client.clone())).await;
    suite.check("kv: delete with the previous pairs", delete(client.clone())).await;
    suite.check("kv: refusals", refusals(client.clone())).await;
    suite.check("kv: compact", compact(client.clone())).await;
    suite.check("txn: then and else", transactions(client.clone())).await;
    suite.check("txn: one inside another", nested(client.clone())).await;
}

async fn put_and_get(mut client: Client) -> Outcome {
    let revision = put(&mut client, "rs/a", "one").await?;
    let got = client.get("rs/a", None).await?;
    let pair = some(got.kvs().first(), "pair")?;
    want("value", pair.value_str()?, "one")?;
    want("revision", pair.mod_revision(), revision)?;
    let again = client.put("rs/a", "two", Some(PutOptions::new().with_prev_key())).await?;
    want("previous value", some(again.prev_key(), "previous pair")?.value_str()?, "one")?;
    client.put("rs/a", "", Some(PutOptions::new().with_ignore_value())).await?;
    let kept = client.get("rs/a", None).await?;
    want("value kept", some(kept.kvs().first(), "pair")?.value_str()?, "two")?;
    want("version", some(kept.kvs().first(), "pair")?.version(), 3)
}

async fn ranges(mut client: Client) -> Outcome {
    for name in ["1", "2", "3"] {
        put(&mut client, &format!("rs/r/{name}"), name).await?;
    }
    let all = client.get("rs/r/", Some(GetOptions::new().with_prefix())).await?;
    want("count", all.count(), 3)?;
    let limited = client.get("rs/r/", Some(GetOptions::new().with_prefix().with_limit(2))).await?;
    want("limited", (limited.kvs().len(), limited.count(), limited.more()), (2, 3, true))?;
    let order = GetOptions::new().with_prefix().with_sort(SortTarget::Value, SortOrder::Descend);
    let sorted = client.get("rs/r/", Some(order)).await?;
    want("first of the descending", some(sorted.kvs().first(), "pair")?.value_str()?, "3")?;
    let from = client.get("rs/r/2", Some(GetOptions::new().with_range("rs/r/9").with_keys_only())).await?;
    want("from 2", (from.kvs().len(), from.kvs()[0].value().len()), (2, 0))?;
    let counted = client.get("rs/r/", Some(GetOptions::new().with_prefix().with_count_only())).await?;
    want("count only", (counted.kvs().len(), counted.count()), (0, 3))
}

async fn delete(mut client: Client) -> Outcome {
    let gone = client.delete("rs/r/", Some(DeleteOptions::new().with_prefix().with_prev_key())).await?;
    want("deleted", gone.deleted(), 3)?;
    want("previous pairs", gone.prev_kvs().len(), 3)?;
    want("deleted again", client.delete("rs/r/1", None).await?.deleted(), 0)
}

async fn refusals(mut client: Client) -> Outcome {
    want_refusal(client.put("", "x", None).await, "etcdserver: key is not provided")?;
    let far = GetOptions::new().with_revision(1 << 40);
    want_refusal(client.get("rs/a", Some(far)).await, "etcdserver: mvcc: required revision is a future revision")?;
    let lease = PutOptions::new().with_lease(0x1234567890abcdef);
    want_refusal(client.put("rs/a", "x", Some(lease)).await, "etcdserver: requested lease not found")
}

async fn compact(mut client: Client) -> Outcome {
    let old = put(&mut client, "rs/c", "1").await?;
    let revision = put(&mut client, "rs/c", "2").await?;
    client.compact(revision, Some(CompactionOptions::new().with_physical())).await?;
    let compacted = "etcdserver: mvcc: required revision has been compacted";
    want_refusal(client.get("rs/c", Some(GetOptions::new().with_revision(old))).await, compacted)?;
    want_refusal(client.compact(revision, None).await, compacted)
}

async fn transactions(mut client: Client) -> Outcome {
    put(&mut client, "rs/t", "1").await?;
    let txn = Txn::new()
        .when([Compare::value("rs/t", CompareOp::Equal, "1"), Compare::version("rs/t", CompareOp::Greater, 0)])
        .and_then([TxnOp::put("rs/t", "2", None), TxnOp::get("rs/t", None)])
        .or_else([TxnOp::delete("rs/t", None)]);
    let taken = client.txn(txn.clone()).await?;
    want("succeeded", taken.succeeded(), true)?;
    match taken.op_responses().get(1) {
        Some(TxnOpResponse::Get(read)) => want("read inside", read.kvs()[0].value_str()?, "2")?,
        other => return Err(format!("not a read: {other:?}").into()),
    }
    let other = client.txn(txn).await?;
    want("succeeded again", other.succeeded(), false)?;
    match other.op_responses().first() {
        Some(TxnOpResponse::Delete(gone)) => want("deleted", gone.deleted(), 1),
        other => Err(format!("not a deletion: {other:?}").into()),
    }
}

async fn nested(mut client: Client) -> Outcome {
    let inner = Txn::new().and_then([TxnOp::put("rs/n", "inner", None)]);
    let done = client.txn(Txn::new().and_then([TxnOp::txn(inner), TxnOp::get("rs/n", None)])).await?;
    match done.op_responses().get(1) {
        Some(TxnOpResponse::Get(read)) => want("read after it", read.kvs()[0].value_str()?, "inner"),
        other => Err(format!("not a read: {other:?}").into()),
    }
}
