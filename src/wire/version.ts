/** Which version this is, and which etcd it answers as. */

/** Our own version; a test holds it equal to package.json's. */
export const quorateVersion = '0.1.0';

/** What clients are told: a plain X.Y.Z, because Patroni and Kubernetes parse it. */
export const etcdVersion = '3.7.3';

/** The version that all members can speak (etcd api/version), and the one of the stored data. */
export const clusterVersion = '3.7.0';
export const storageVersion = '3.7.0';
