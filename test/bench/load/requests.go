package main

import "encoding/binary"

// Requests of etcd's API. Those that are sent all the time are appended field by field to what goes out; a
// template of them saves nothing but the tags.

const (
	rangeKey          = 1
	rangeEnd          = 2
	rangeLimit        = 3
	rangeRevision     = 4
	rangeSerializable = 7
	rangeCountOnly    = 9

	putKey   = 1
	putValue = 2

	txnCompare = 1
	txnSuccess = 2
	txnFailure = 3

	opRange = 1
	opPut   = 2

	compareTarget      = 2
	compareKey         = 3
	compareModRevision = 6
	targetMod          = 2
)

func putBytes(keyBytes, valueBytes int) int {
	return 1 + varintSize(uint64(keyBytes)) + keyBytes + 1 + varintSize(uint64(valueBytes)) + valueBytes
}

// appendPutHead leaves the value to the caller.
func (k keyspace) appendPutHead(out []byte, number, valueBytes int) []byte {
	out = appendBytesHead(out, putKey, k.keyBytes())
	out = k.appendKey(out, number)
	return appendBytesHead(out, putValue, valueBytes)
}

func (k keyspace) appendPut(out []byte, number int, value []byte) []byte {
	return append(k.appendPutHead(out, number, len(value)), value...)
}

// appendPutOp is a Put as an operation of a transaction.
func (k keyspace) appendPutOp(out []byte, number int, value []byte) []byte {
	put := putBytes(k.keyBytes(), len(value))
	out = appendBytesHead(out, txnSuccess, 1+varintSize(uint64(put))+put)
	out = appendBytesHead(out, opPut, put)
	return k.appendPut(out, number, value)
}

func (k keyspace) appendRangeOfOne(out []byte, number int) []byte {
	return k.appendKey(appendBytesHead(out, rangeKey, k.keyBytes()), number)
}

// appendUpdate is what Kubernetes does to change an object: put if the key is still at that revision, else
// read it.
func (k keyspace) appendUpdate(out []byte, number int, modRevision int64, value []byte) []byte {
	key := 1 + varintSize(uint64(k.keyBytes())) + k.keyBytes()
	compare := 2 + key + 1 + varintSize(uint64(modRevision))
	out = appendBytesHead(out, txnCompare, compare)
	out = appendVarintField(out, compareTarget, targetMod)
	out = k.appendKey(appendBytesHead(out, compareKey, k.keyBytes()), number)
	out = appendVarintField(out, compareModRevision, modRevision)
	out = k.appendPutOp(out, number, value)
	out = appendBytesHead(out, txnFailure, 1+varintSize(uint64(key))+key)
	out = appendBytesHead(out, opRange, key)
	return k.appendRangeOfOne(out, number)
}

// appendRangeFrom is a Range from that key to the end of the prefix.
func (k keyspace) appendRangeFrom(out, key []byte) []byte {
	return appendBytesField(appendBytesField(out, rangeKey, key), rangeEnd, k.end())
}

const (
	watchCreate   = 1
	watchKey      = 1
	watchRangeEnd = 2
)

func appendWatchCreate(out, key []byte) []byte {
	out = appendBytesHead(out, watchCreate, 1+varintSize(uint64(len(key)))+len(key))
	return appendBytesField(out, watchKey, key)
}

const (
	leaseTTL = 1
	// Of LeaseKeepAlive and LeaseRevoke.
	leaseID = 1
)

// stampBytes is the time that a value begins with where its delivery is measured.
const stampBytes = 8

func appendStamped(out []byte, stamp int64, value []byte) []byte {
	out = binary.BigEndian.AppendUint64(out, uint64(stamp))
	return append(out, value[stampBytes:]...)
}
