import { storeImageContract } from '../contract/store-image.ts';
import { levelFixture, memoryFixture } from './support.ts';

storeImageContract('memory', memoryFixture);
storeImageContract('LevelDB', levelFixture);
