import { logStoreContract } from '../contract/log-store.ts';
import { levelFixture, memoryFixture } from './support.ts';

logStoreContract('memory', memoryFixture);
logStoreContract('LevelDB', levelFixture);
