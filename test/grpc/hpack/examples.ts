import { fromHex, type Bytes } from '../../../src/base/bytes.ts';
import type { HeaderList } from '../../../src/grpc/hpack/types.ts';

/** The examples of RFC 7541, appendix C.3 to C.6: several blocks of one connection each. */
export interface Example {
  readonly section: string;
  readonly blocks: readonly { readonly block: Bytes; readonly fields: HeaderList }[];
}

/** C.5 and C.6 begin with a table of 256 bytes; a real connection says so first. */
const tableOf256Bytes = '3fe101';

export const examples: readonly Example[] = [
  {
    section: 'C.3',
    blocks: [
      {
        block: fromHex('828684410f7777772e6578616d706c652e636f6d'),
        fields: [
          ':method',
          'GET',
          ':scheme',
          'http',
          ':path',
          '/',
          ':authority',
          'www.example.com',
        ],
      },
      {
        block: fromHex('828684be58086e6f2d6361636865'),
        fields: [
          ':method',
          'GET',
          ':scheme',
          'http',
          ':path',
          '/',
          ':authority',
          'www.example.com',
          'cache-control',
          'no-cache',
        ],
      },
      {
        block: fromHex('828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565'),
        fields: [
          ':method',
          'GET',
          ':scheme',
          'https',
          ':path',
          '/index.html',
          ':authority',
          'www.example.com',
          'custom-key',
          'custom-value',
        ],
      },
    ],
  },
  {
    section: 'C.4',
    blocks: [
      {
        block: fromHex('828684418cf1e3c2e5f23a6ba0ab90f4ff'),
        fields: [
          ':method',
          'GET',
          ':scheme',
          'http',
          ':path',
          '/',
          ':authority',
          'www.example.com',
        ],
      },
      {
        block: fromHex('828684be5886a8eb10649cbf'),
        fields: [
          ':method',
          'GET',
          ':scheme',
          'http',
          ':path',
          '/',
          ':authority',
          'www.example.com',
          'cache-control',
          'no-cache',
        ],
      },
      {
        block: fromHex('828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf'),
        fields: [
          ':method',
          'GET',
          ':scheme',
          'https',
          ':path',
          '/index.html',
          ':authority',
          'www.example.com',
          'custom-key',
          'custom-value',
        ],
      },
    ],
  },
  {
    section: 'C.5',
    blocks: [
      {
        block: fromHex(
          tableOf256Bytes +
            '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a32' +
            '3120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
        ),
        fields: [
          ':status',
          '302',
          'cache-control',
          'private',
          'date',
          'Mon, 21 Oct 2013 20:13:21 GMT',
          'location',
          'https://www.example.com',
        ],
      },
      {
        block: fromHex('4803333037c1c0bf'),
        fields: [
          ':status',
          '307',
          'cache-control',
          'private',
          'date',
          'Mon, 21 Oct 2013 20:13:21 GMT',
          'location',
          'https://www.example.com',
        ],
      },
      {
        block: fromHex(
          '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a6970' +
            '7738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d61' +
            '67653d333630303b2076657273696f6e3d31',
        ),
        fields: [
          ':status',
          '200',
          'cache-control',
          'private',
          'date',
          'Mon, 21 Oct 2013 20:13:22 GMT',
          'location',
          'https://www.example.com',
          'content-encoding',
          'gzip',
          'set-cookie',
          'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
        ],
      },
    ],
  },
  {
    section: 'C.6',
    blocks: [
      {
        block: fromHex(
          tableOf256Bytes +
            '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad' +
            '171863c78f0b97c8e9ae82ae43d3',
        ),
        fields: [
          ':status',
          '302',
          'cache-control',
          'private',
          'date',
          'Mon, 21 Oct 2013 20:13:21 GMT',
          'location',
          'https://www.example.com',
        ],
      },
      {
        block: fromHex('4883640effc1c0bf'),
        fields: [
          ':status',
          '307',
          'cache-control',
          'private',
          'date',
          'Mon, 21 Oct 2013 20:13:21 GMT',
          'location',
          'https://www.example.com',
        ],
      },
      {
        block: fromHex(
          '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2' +
            'e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
        ),
        fields: [
          ':status',
          '200',
          'cache-control',
          'private',
          'date',
          'Mon, 21 Oct 2013 20:13:22 GMT',
          'location',
          'https://www.example.com',
          'content-encoding',
          'gzip',
          'set-cookie',
          'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
        ],
      },
    ],
  },
];
