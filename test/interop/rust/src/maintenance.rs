use std::time::Duration;

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, Client, Member, MemberAddOptions};

use crate::suite::{some, want, want_refusal, Outcome, Suite};

const LIST_TRIES_MAX: usize = 50;

pub async fn checks(suite: &mut Suite, client: &Client, endpoints: &[String]) {
    suite.check("cluster: member list", members(client.clone(), endpoints.len())).await;
    suite.check("cluster: a learner is added, updated, refused a promotion and removed", learner(client.clone())).await;
    suite.check("cluster: refusals", refusals(client.clone())).await;
    suite.check("maintenance: status, hash, defragment", status(client.clone())).await;
    suite.check("maintenance: an alarm is raised, refuses writes and is disarmed", alarm(client.clone())).await;
    suite.check("maintenance: the leader moves", move_leader(endpoints)).await;
}

async fn members(mut client: Client, count: usize) -> Outcome {
    let wanted = ["m1", "m2", "m3"][..count].to_vec();
    eventually_lists(&mut client, |members| {
        let mut names: Vec<&str> = members.iter().map(Member::name).collect();
        names.sort_unstable();
        want("names", names, wanted.clone())
    })
    .await
}

/// The client lists the members that the one who answers knows of, and that may be behind.
async fn eventually_lists(client: &mut Client, check: impl Fn(&[Member]) -> Outcome) -> Outcome {
    for _ in 1..LIST_TRIES_MAX {
        if check(client.member_list().await?.members()).is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    check(client.member_list().await?.members())
}

async fn learner(mut client: Client) -> Outcome {
    let options = || Some(MemberAddOptions::new().with_is_learner());
    let mut added = client.member_add(urls(4), options()).await;
    while added.as_ref().is_err_and(|error| error.to_string().contains("unhealthy cluster")) {
        // Members must have been connected for some seconds.
        tokio::time::sleep(Duration::from_millis(500)).await;
        added = client.member_add(urls(4), options()).await;
    }
    let id = some(added?.member(), "member")?.id();
    let promoted = client.member_promote(id).await;
    let second = client.member_add(urls(5), options()).await;
    let updated = client.member_update(id, urls(6)).await;
    let listed = eventually_lists(&mut client, |members| {
        let found = some(members.iter().find(|member| member.id() == id), "learner")?;
        want("learner", (found.is_learner(), found.name()), (true, ""))?;
        want("its URLs", found.peer_urls(), &urls(6))
    })
    .await;
    client.member_remove(id).await?;
    listed?;
    updated?;
    want_refusal(promoted, "etcdserver: can only promote a learner member which is in sync with leader")?;
    want_refusal(second, "etcdserver: too many learner members in cluster")
}

async fn refusals(mut client: Client) -> Outcome {
    let not_found = "etcdserver: member not found";
    want_refusal(client.member_remove(1).await, not_found)?;
    want_refusal(client.member_promote(1).await, not_found)?;
    want_refusal(client.member_update(1, urls(7)).await, not_found)?;
    let leader = client.status().await?.leader();
    let voter = client.member_promote(leader).await;
    want_refusal(voter, "etcdserver: can only promote a learner member")
}

async fn status(mut client: Client) -> Outcome {
    let status = client.status().await?;
    want("version", status.version(), "3.7.3")?;
    want("no learner, no errors", (status.is_learner(), status.errors().len()), (false, 0))?;
    want("has a leader and a size", (status.leader() != 0, status.db_size() > 0), (true, true))?;
    client.hash_kv(0).await?;
    client.defragment().await?;
    Ok(())
}

async fn alarm(mut client: Client) -> Outcome {
    let member = client.status().await?.leader();
    let mut options = AlarmOptions::new();
    options.with_member(member);
    client.alarm(AlarmAction::Activate, AlarmType::Nospace, Some(options.clone())).await?;
    let raised = client.alarm(AlarmAction::Get, AlarmType::None, None).await?;
    let refused = client.put("rs/alarm", "x", None).await;
    client.alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(options)).await?;
    want("alarms", raised.alarms().len(), 1)?;
    want("its member", raised.alarms()[0].member_id(), member)?;
    want_refusal(refused, "etcdserver: mvcc: database space exceeded")?;
    client.put("rs/alarm", "x", None).await?;
    Ok(())
}

/// Only the leader takes the request: it is looked for among clients of one member each.
async fn move_leader(endpoints: &[String]) -> Outcome {
    for endpoint in endpoints {
        let mut client = Client::connect([endpoint], None).await?;
        let status = client.status().await?;
        let own = some(status.header(), "header")?.member_id();
        let list = client.member_list().await?;
        let other = list.members().iter().find(|member| member.id() != status.leader());
        let target = some(other, "other member")?.id();
        if own != status.leader() {
            want_refusal(client.move_leader(target).await, "etcdserver: not leader")?;
            continue;
        }
        client.move_leader(target).await?;
        return want("leader", client.status().await?.leader(), target);
    }
    Err("none of the members leads".into())
}

/// Nobody listens there.
fn urls(port: u16) -> Vec<String> {
    vec![format!("http://127.0.0.1:{port}")]
}
