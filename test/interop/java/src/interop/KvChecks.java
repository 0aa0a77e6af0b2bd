package interop;

import static interop.Suite.await;
import static interop.Suite.bytes;
import static interop.Suite.text;
import static interop.Suite.want;
import static interop.Suite.wantRefusal;

import io.etcd.jetcd.KV;
import io.etcd.jetcd.kv.DeleteResponse;
import io.etcd.jetcd.kv.GetResponse;
import io.etcd.jetcd.kv.TxnResponse;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.CompactOption;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.PutOption;

final class KvChecks {
  private final Suite suite;
  private final KV kv;

  KvChecks(Suite suite) {
    this.suite = suite;
    this.kv = suite.client.getKVClient();
  }

  void run() {
    suite.check("kv: put and get", this::putAndGet);
    suite.check("kv: ranges", this::ranges);
    suite.check("kv: delete with the previous pairs", this::delete);
    suite.check("kv: refusals", this::refusals);
    suite.check("kv: compact", this::compact);
    suite.check("txn: then and else", this::transactions);
    suite.check("txn: one inside another", this::nested);
  }

  private String valueOf(String key) throws Exception {
    return text(await(kv.get(bytes(key))).getKvs().get(0).getValue());
  }

  private void putAndGet() throws Exception {
    long revision = suite.put("jv/a", "one");
    GetResponse got = await(kv.get(bytes("jv/a")));
    want("value", valueOf("jv/a"), "one");
    want("revision", got.getKvs().get(0).getModRevision(), revision);
    PutOption withPrevious = PutOption.builder().withPrevKV().build();
    want("previous value", text(await(kv.put(bytes("jv/a"), bytes("two"), withPrevious)).getPrevKv().getValue()), "one");
    want("missing", await(kv.get(bytes("jv/none"))).getCount(), 0L);
  }

  private void ranges() throws Exception {
    for (String name : new String[] {"1", "2", "3"}) {
      suite.put("jv/r/" + name, name);
    }
    GetOption limited = GetOption.builder().isPrefix(true).withLimit(2).build();
    GetResponse two = await(kv.get(bytes("jv/r/"), limited));
    want("limited", two.getKvs().size() + " of " + two.getCount() + " " + two.isMore(), "2 of 3 true");
    GetOption descending = GetOption.builder().isPrefix(true)
        .withSortField(GetOption.SortTarget.VALUE).withSortOrder(GetOption.SortOrder.DESCEND).build();
    want("first of the descending", text(await(kv.get(bytes("jv/r/"), descending)).getKvs().get(0).getValue()), "3");
    GetOption counted = GetOption.builder().isPrefix(true).withCountOnly(true).build();
    want("count", await(kv.get(bytes("jv/r/"), counted)).getCount(), 3L);
    GetOption local = GetOption.builder().withSerializable(true).build();
    want("serializable", await(kv.get(bytes("jv/a"), local)).getCount(), 1L);
  }

  private void delete() throws Exception {
    DeleteOption prefix = DeleteOption.builder().isPrefix(true).withPrevKV(true).build();
    DeleteResponse gone = await(kv.delete(bytes("jv/r/"), prefix));
    want("deleted", gone.getDeleted() + " " + gone.getPrevKvs().size(), "3 3");
    want("deleted again", await(kv.delete(bytes("jv/r/1"))).getDeleted(), 0L);
  }

  private void refusals() throws Exception {
    wantRefusal("etcdserver: key is not provided", () -> kv.put(bytes(""), bytes("x")));
    GetOption future = GetOption.builder().withRevision(1L << 40).build();
    wantRefusal("etcdserver: mvcc: required revision is a future revision", () -> kv.get(bytes("jv/a"), future));
    PutOption lease = PutOption.builder().withLeaseId(0x1234567890abcdefL).build();
    wantRefusal("etcdserver: requested lease not found", () -> kv.put(bytes("jv/a"), bytes("x"), lease));
  }

  private void compact() throws Exception {
    long old = suite.put("jv/c", "1");
    long revision = suite.put("jv/c", "2");
    await(kv.compact(revision, CompactOption.builder().withCompactPhysical(true).build()));
    GetOption compacted = GetOption.builder().withRevision(old).build();
    wantRefusal("etcdserver: mvcc: required revision has been compacted", () -> kv.get(bytes("jv/c"), compacted));
  }

  private void transactions() throws Exception {
    suite.put("jv/t", "1");
    TxnResponse taken = transaction();
    want("succeeded", taken.isSucceeded(), true);
    want("read inside", text(taken.getGetResponses().get(0).getKvs().get(0).getValue()), "2");
    TxnResponse other = transaction();
    want("succeeded again", other.isSucceeded(), false);
    want("deleted", other.getDeleteResponses().get(0).getDeleted(), 1L);
  }

  private TxnResponse transaction() throws Exception {
    return await(kv.txn()
        .If(new Cmp(bytes("jv/t"), Cmp.Op.EQUAL, CmpTarget.value(bytes("1"))),
            new Cmp(bytes("jv/t"), Cmp.Op.GREATER, CmpTarget.version(0)))
        .Then(Op.put(bytes("jv/t"), bytes("2"), PutOption.DEFAULT), Op.get(bytes("jv/t"), GetOption.DEFAULT))
        .Else(Op.delete(bytes("jv/t"), DeleteOption.DEFAULT))
        .commit());
  }

  private void nested() throws Exception {
    Op inner = Op.txn(new Cmp[0], new Op[] {Op.put(bytes("jv/n"), bytes("inner"), PutOption.DEFAULT)}, new Op[0]);
    TxnResponse done = await(kv.txn().Then(inner, Op.get(bytes("jv/n"), GetOption.DEFAULT)).commit());
    want("read after it", text(done.getGetResponses().get(0).getKvs().get(0).getValue()), "inner");
    want("inner answers", done.getTxnResponses().size(), 1);
  }
}
