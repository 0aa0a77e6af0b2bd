package interop;

import static interop.Suite.await;
import static interop.Suite.bytes;
import static interop.Suite.want;
import static interop.Suite.wantRefusal;

import io.etcd.jetcd.Client;
import io.etcd.jetcd.Cluster;
import io.etcd.jetcd.Maintenance;
import io.etcd.jetcd.cluster.Member;
import io.etcd.jetcd.cluster.MemberAddResponse;
import io.etcd.jetcd.maintenance.StatusResponse;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;

final class ClusterChecks {
  private static final int HEALTH_TRIES_MAX = 20;
  private static final int LIST_TRIES_MAX = 50;
  private final Suite suite;
  private final Cluster cluster;
  private final Maintenance maintenance;
  private final String[] endpoints;

  ClusterChecks(Suite suite, String[] endpoints) {
    this.suite = suite;
    this.cluster = suite.client.getClusterClient();
    this.maintenance = suite.client.getMaintenanceClient();
    this.endpoints = endpoints;
  }

  void run() {
    suite.check("cluster: member list", this::members);
    suite.check("cluster: a learner is added, updated and removed", this::learner);
    suite.check("cluster: a member that is not there", this::notThere);
    suite.check("maintenance: status, hash and defragment of every member", this::status);
    suite.check("maintenance: no alarms", () -> want("alarms", await(maintenance.listAlarms()).getAlarms().size(), 0));
    suite.check("maintenance: the leader moves", this::moveLeader);
  }

  private void members() throws Exception {
    List<String> names = new ArrayList<>();
    for (Member member : await(cluster.listMember()).getMembers()) {
      names.add(member.getName() + " " + member.isLearner());
    }
    Collections.sort(names);
    want("members", names, List.of("m1 false", "m2 false", "m3 false").subList(0, endpoints.length));
  }

  private static List<URI> urls(int port) {
    return List.of(URI.create("http://127.0.0.1:" + port));
  }

  private void learner() throws Exception {
    long id = added().getMember().getId();
    try {
      await(cluster.updateMember(id, urls(8)));
      wantRefusal("etcdserver: too many learner members in cluster", () -> cluster.addMember(urls(9), true));
      eventually("updated", () -> {
        for (Member member : await(cluster.listMember()).getMembers()) {
          if (member.getId() == id) {
            return member.isLearner() && member.getPeerURIs().equals(urls(8));
          }
        }
        return false;
      });
    } finally {
      await(cluster.removeMember(id));
    }
    eventually("removed", () -> await(cluster.listMember()).getMembers().size() == endpoints.length);
  }

  /** The client lists the members that the one who answers knows of, and that may be behind. */
  private static void eventually(String what, Callable<Boolean> isSo) throws Exception {
    for (int tries = 1; !isSo.call(); tries++) {
      want("never " + what, tries == LIST_TRIES_MAX, false);
      Thread.sleep(100);
    }
  }

  /** Members must have been connected for some seconds before one may be added. */
  private MemberAddResponse added() throws Exception {
    for (int tries = 1; ; tries++) {
      try {
        return await(cluster.addMember(urls(7), true));
      } catch (ExecutionException failure) {
        boolean isEarly = failure.getMessage().contains("unhealthy cluster");
        if (!isEarly || tries == HEALTH_TRIES_MAX) {
          throw failure;
        }
        Thread.sleep(500);
      }
    }
  }

  private void notThere() throws Exception {
    wantRefusal("etcdserver: member not found", () -> cluster.removeMember(1));
    wantRefusal("etcdserver: member not found", () -> cluster.updateMember(1, urls(9)));
  }

  private void status() throws Exception {
    for (String endpoint : endpoints) {
      StatusResponse status = await(maintenance.statusMember(endpoint));
      want("version", status.getVersion(), "3.7.3");
      want("has a leader and a size", status.getLeader() != 0 && status.getDbSize() > 0, true);
      await(maintenance.hashKV(endpoint, 0));
      await(maintenance.defragmentMember(endpoint));
    }
    suite.put("jv/defragmented", "x");
  }

  /** Only the leader takes the request: it is asked by a client of its own. */
  private void moveLeader() throws Exception {
    for (String endpoint : endpoints) {
      StatusResponse status = await(maintenance.statusMember(endpoint));
      if (status.getHeader().getMemberId() != status.getLeader()) {
        continue;
      }
      long target = 0;
      for (Member member : await(cluster.listMember()).getMembers()) {
        target = member.getId() == status.getLeader() ? target : member.getId();
      }
      try (Client leader = Client.builder().endpoints(endpoint).build()) {
        await(leader.getMaintenanceClient().moveLeader(target));
      }
      want("leader", await(maintenance.statusMember(endpoint)).getLeader(), target);
      return;
    }
    throw new AssertionError("none of the members leads");
  }
}
