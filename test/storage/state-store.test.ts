import { stateStoreContract } from '../contract/state-store.ts';
import { levelFixture, memoryFixture } from './support.ts';

stateStoreContract('memory', memoryFixture);
stateStoreContract('LevelDB', levelFixture);
