import { checkTxn } from '../apply/check-txn.ts';
import { checkDeleteRange, checkPut, checkRange } from '../apply/check.ts';
import { isOneRow } from '../apply/range.ts';
import { isReadOnlyTxn, isSerializableTxn } from '../apply/txn.ts';
import { CommandKind } from '../wire/command.ts';
import {
  CompactionRequest,
  CompactionResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from '../wire/kv.ts';
import type { Outcome } from '../wire/errors.ts';
import { beforeRead } from './before-read.ts';
import type { UnaryExchange } from './exchange.ts';
import { answer, propose, proposeAndAnswer } from './propose.ts';
import { answerLargeRange, answerPage } from './range-answer.ts';
import { rangeStreamRoute } from './range-stream.ts';
import { unary, type ApiContext, type Route } from './rpc.ts';

/** etcdserverpb.KV: a request is checked, then proposed or read; the answer gets this member's header. */
export function kvRoutes(api: ApiContext): readonly Route[] {
  return [
    rangeRoute(api),
    rangeStreamRoute(api),
    putRoute(api),
    deleteRangeRoute(api),
    txnRoute(api),
    compactRoute(api),
  ];
}

function rangeRoute(api: ApiContext): Route {
  const { member } = api;
  const read = (exchange: UnaryExchange, request: RangeRequest): void => {
    member.rangeToSend(request, (outcome) => {
      if (!outcome.ok) return exchange.fail(outcome.error);
      const { value } = outcome;
      if (value.type === 'large') answerLargeRange(member, exchange, value.large);
      else if (value.type === 'page') answerPage(member, exchange, value);
      else answer(member, exchange, RangeResponse, value.response);
    });
  };
  return unary(api, {
    path: '/etcdserverpb.KV/Range',
    request: RangeRequest,
    isForLearners: (request) => request.serializable,
    handle: (exchange, request) => {
      const refused = checkRange(request);
      if (refused !== undefined) return exchange.fail(refused);
      const go = (outcome: Outcome<undefined>): void => {
        if (!outcome.ok) exchange.fail(outcome.error);
        else if (!exchange.maybeDrop()) read(exchange, request);
      };
      beforeRead(member, request.serializable, go, isOneRow(request) ? request.key : undefined);
    },
  });
}

function putRoute(api: ApiContext): Route {
  return unary(api, {
    path: '/etcdserverpb.KV/Put',
    request: PutRequest,
    handle: (exchange, request) => {
      const refused = checkPut(request);
      if (refused !== undefined) return exchange.fail(refused);
      const proposal = { kind: CommandKind.put, codec: PutRequest, request };
      proposeAndAnswer(api, exchange, proposal, PutResponse);
    },
  });
}

function deleteRangeRoute(api: ApiContext): Route {
  const codec = DeleteRangeRequest;
  return unary(api, {
    path: '/etcdserverpb.KV/DeleteRange',
    request: codec,
    handle: (exchange, request) => {
      const refused = checkDeleteRange(request);
      if (refused !== undefined) return exchange.fail(refused);
      const proposal = { kind: CommandKind.deleteRange, codec, request };
      proposeAndAnswer(api, exchange, proposal, DeleteRangeResponse);
    },
  });
}

function txnRoute(api: ApiContext): Route {
  const { member, limits } = api;
  const read = (exchange: UnaryExchange, request: TxnRequest): void => {
    member.readTxn(request, (outcome) => {
      if (outcome.ok) answer(member, exchange, TxnResponse, outcome.value);
      else exchange.fail(outcome.error);
    });
  };
  return unary(api, {
    path: '/etcdserverpb.KV/Txn',
    request: TxnRequest,
    handle: (exchange, request) => {
      const refused = checkTxn(request, limits.txnOpsMax);
      if (refused !== undefined) return exchange.fail(refused);
      if (!isReadOnlyTxn(request)) {
        const proposal = { kind: CommandKind.txn, codec: TxnRequest, request };
        return proposeAndAnswer(api, exchange, proposal, TxnResponse);
      }
      beforeRead(member, isSerializableTxn(request), (outcome) => {
        if (!outcome.ok) exchange.fail(outcome.error);
        else if (!exchange.maybeDrop()) read(exchange, request);
      });
    },
  });
}

/** `physical` waits until the rows are deleted here, and that durably. */
function compactRoute(api: ApiContext): Route {
  const { member } = api;
  return unary(api, {
    path: '/etcdserverpb.KV/Compact',
    request: CompactionRequest,
    handle: (exchange, request) => {
      const proposal = { kind: CommandKind.compact, codec: CompactionRequest, request };
      propose<CompactionRequest, CompactionResponse>(api, exchange, proposal, (response) => {
        const respond = (): void => answer(member, exchange, CompactionResponse, response);
        if (request.physical) member.whenCompacted(respond);
        else respond();
      });
    },
  });
}
