/** What clients do, by the name of the workload, in a line for those who read a report. */
export const workloadAbout: Readonly<Record<string, string>> = {
  register: 'clients read, write, delete and compare-and-set a few keys',
  'revision-replay':
    'clients do transactions of all kinds on many keys; every answer is compared with the state at its revision',
  large: 'the same with values so large that answers are long',
  append: 'clients append to lists in transactions over several keys, and read them',
  set: 'clients add elements, each once, remove some, and read what is there',
  watch:
    'some clients write, others watch ranges of keys, leave for another member and resume there',
  fragments: 'the same with changes so large that they are told in parts',
  lease: 'clients take leases with keys, keep them alive or let them end',
  lock: 'clients take locks made of leases and keys, and write under them with a token',
  'lock-service': 'clients take locks by the lock service of the store, and write under them',
  election: 'clients campaign for leadership by the election service of the store, and observe it',
  kubernetes: 'clients list, watch and update objects as an API server of Kubernetes does',
};
