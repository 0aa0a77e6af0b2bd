package interop;

import static interop.Suite.await;
import static interop.Suite.bytes;
import static interop.Suite.stillWaits;
import static interop.Suite.text;
import static interop.Suite.want;
import static interop.Suite.wantRefusal;

import io.etcd.jetcd.Election;
import io.etcd.jetcd.election.CampaignResponse;
import io.etcd.jetcd.election.LeaderKey;
import io.etcd.jetcd.election.LeaderResponse;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

final class ElectionChecks {
  private final Suite suite;
  private final Election elections;

  ElectionChecks(Suite suite) {
    this.suite = suite;
    this.elections = suite.client.getElectionClient();
  }

  void run() {
    suite.check("election: campaign, proclaim, leader, resign", this::turns);
    suite.check("election: observe", this::observe);
    suite.check("election: refusals", this::refusals);
  }

  private String leader(String name) throws Exception {
    return text(await(elections.leader(bytes(name))).getKv().getValue());
  }

  private void turns() throws Exception {
    long first = suite.grant(60);
    LeaderKey key = await(elections.campaign(bytes("jv-election"), first, bytes("one"))).getLeader();
    want("name", text(key.getName()), "jv-election");
    want("key", text(key.getKey()), "jv-election/" + Long.toHexString(first));
    want("lease", key.getLease(), first);
    CompletableFuture<CampaignResponse> waiting =
        elections.campaign(bytes("jv-election"), suite.grant(60), bytes("two"));
    stillWaits(waiting);
    await(elections.proclaim(key, bytes("one again")));
    want("leader", leader("jv-election"), "one again");
    await(elections.resign(key));
    LeaderKey next = await(waiting).getLeader();
    want("next leader", leader("jv-election"), "two");
    await(elections.resign(next));
  }

  private void observe() throws Exception {
    LeaderKey key = await(elections.campaign(bytes("jv-seen"), suite.grant(60), bytes("one"))).getLeader();
    BlockingQueue<String> seen = new LinkedBlockingQueue<>();
    elections.observe(bytes("jv-seen"), new Election.Listener() {
      @Override
      public void onNext(LeaderResponse response) {
        seen.add(text(response.getKv().getValue()));
      }

      @Override
      public void onError(Throwable error) {
        seen.add(String.valueOf(error));
      }

      @Override
      public void onCompleted() {
        seen.add("completed");
      }
    });
    want("observed", seen.poll(10, TimeUnit.SECONDS), "one");
    await(elections.proclaim(key, bytes("two")));
    want("observed", seen.poll(10, TimeUnit.SECONDS), "two");
    await(elections.resign(key));
  }

  private void refusals() throws Exception {
    wantRefusal("NoLeaderException", () -> elections.leader(bytes("jv-nobody")));
    long lease = suite.grant(60);
    LeaderKey key = await(elections.campaign(bytes("jv-gone"), lease, bytes("one"))).getLeader();
    await(suite.client.getLeaseClient().revoke(lease));
    wantRefusal("NotLeaderException", () -> elections.proclaim(key, bytes("two")));
  }
}
