import type { Judgement, JudgedVerdict } from '../judge.ts';
import type { History } from '../types.ts';
import { findingsOf, type Finding } from './findings.ts';
import { escape, page } from './html.ts';
import { overviewPicture } from './overview-picture.ts';
import { describeRun, ledOf, type Led } from './leaders.ts';
import { legend, whatWasDone } from './legend.ts';
import { noFacts, type RunFacts } from './member-logs.ts';
import { foundBy, headline } from './verdict-text.ts';
import { windowAround, windowOf } from './window.ts';
import { windowPicture } from './window-picture.ts';
import { commandsOf, storyOf } from './story.ts';
import { formatTime, tellOperation } from './words.ts';

/** timeline.html: one page that tells what happened, for someone who has never seen the code. It loads nothing. */

const anomaliesShownMax = 20;
const operationsListedMax = 40;
const faultsShownMax = 3;

export function timelinePage(
  history: History,
  judgement: Judgement,
  folder: string,
  facts: RunFacts = noFacts,
): string {
  const led = ledOf(history, facts);
  const { workload, nemesis, target, seed } = history;
  const title = `${workload} under ${nemesis}: ${judgement.result}`;
  const found = findingsOf(history, judgement);
  const shown = found.slice(0, anomaliesShownMax);
  const marked = shown.flatMap(({ anomaly }) => anomaly.operations.slice(0, operationsListedMax));
  const body = [
    `<h1 class="${judgement.result}">${escape(headline(judgement.result, nemesis))}</h1>`,
    storySection(history, judgement, { folder, facts }),
    `<p>Clients did <b>${escape(workload)}</b> at a cluster of <b>${target}</b> while the nemesis ` +
      `<b>${escape(nemesis)}</b> was at work; seed ${seed}. Every operation, when it was asked and what ` +
      'was answered was written down, and checkers then looked for what no correct store could have answered.</p>',
    ...whatWasDone(history).map((line) => `<p>${escape(line)}</p>`),
    colours,
    '<h2>What was judged</h2>',
    verdictTable(judgement.verdicts),
    ...(found.length > 0 ? [`<h2 id="findings">What was found (${found.length})</h2>`] : []),
    ...shown.map((finding, i) => findingSection(history, finding, { number: i + 1, led })),
    ...(found.length > shown.length
      ? [`<p>${found.length - shown.length} more are in verdict.json.</p>`]
      : []),
    '<h2>The whole test</h2>',
    '<p>How many operations ended how, over time; shaded where the nemesis had a fault in place.</p>',
    overviewPicture(history, marked),
    '<h2>What the nemesis did</h2>',
    faultTable(history),
    ...samples(history, led),
    '<h2>The run</h2>',
    ...describeRun(history, facts).map((line) => `<p class="asked">${escape(line)}</p>`),
    '<h2>Words</h2>',
    wordTable(),
  ];
  return page(title, body.join('\n'));
}

/** Which promise was broken, by what, when, where; what to type. */
function storySection(
  history: History,
  judgement: Judgement,
  { folder, facts }: { readonly folder: string; readonly facts: RunFacts },
): string {
  const story = storyOf(history, judgement, facts);
  const [again, replay] = commandsOf(history, folder).map((line) => `<code>${escape(line)}</code>`);
  const commands =
    `<p>To judge what is stored again: ${again}<br>To run the same test again: ${replay}<br>` +
    'A seed draws what is asked and what goes wrong; when exactly it happens is up to the machine.</p>';
  if (story === undefined) return commands;
  const items = story.operations.map((each) => {
    const isNamed = story.named.has(each.index);
    const words = escape(tellOperation(each));
    return `<li class="asked">${isNamed ? `<b>${words}</b>` : words}</li>`;
  });
  return [
    '<section class="story">',
    ...story.sentences.map((sentence) => `<p>${escape(sentence)}</p>`),
    ...(items.length === 0
      ? []
      : [`<p>The operations that matter; those in bold show it:</p><ul>${items.join('')}</ul>`]),
    '<p><a href="#a1">Zoom to the failure</a>: each finding has a picture of its moment.</p>',
    commands,
    '</section>',
  ].join('\n');
}

const colours = `<p class="key">
<span style="background:#2c7a50"></span>ok: it happened
<span style="background:#6b7684"></span>failed: it certainly did not happen
<span style="background:#a85f08"></span>unknown: no answer, it may have happened or happen still
<span style="background:#6a3fa0"></span>a member took itself for the leader, by its log
<span style="background:#2f62b0"></span>heard without asking (a watch)
<span style="background:#f5d5cf"></span>a fault is in place
</p>
<p>Each row is a client, which has one operation under way at a time and stays with one member (n1, n2, …). Point at a
bar to read what was asked and answered.</p>`;

function verdictTable(verdicts: readonly JudgedVerdict[]): string {
  const rows = verdicts.map(({ checker, result, counts, anomalies, expected, note }) => {
    const kind = result === 'valid' ? 'passed' : result === 'invalid' ? 'failed' : 'unknown';
    const numbers = Object.entries(counts).map(([name, count]) => `${name}: ${count}`);
    const found = anomalies.length === 0 ? '' : `${foundBy(counts, anomalies.length)}. `;
    const known = expected === undefined ? '' : `Known to be so: ${expected} `;
    const said = escape(
      `${found}${known}${note === undefined ? '' : `${note} `}${numbers.join(', ')}`,
    );
    return `<tr><td>${escape(checker)}</td><td class="${kind}">${result}</td><td>${said}</td></tr>`;
  });
  return `<table><tr><th>checker</th><th>result</th><th>what it looked at</th></tr>${rows.join('')}</table>`;
}

function findingSection(
  history: History,
  { verdict, anomaly, alsoBy }: Finding,
  { number, led }: { readonly number: number; readonly led: readonly Led[] },
): string {
  const also = alsoBy.length === 0 ? '' : `; also ${alsoBy.join(', ')}`;
  const id = `a${number}`;
  const window = windowOf(history, anomaly);
  const listed = anomaly.operations.slice(0, operationsListedMax).flatMap((index) => {
    const operation = history.operations[index];
    if (operation === undefined) return [];
    const link = `<a href="#${id}-o${index}">#${index}</a>`;
    const words = tellOperation(operation).replace(/^#\d+/, '');
    return [`<li class="asked">${link}${escape(words)}</li>`];
  });
  const left = anomaly.operations.length - listed.length;
  return [
    `<section class="anomaly${verdict.expected === undefined ? '' : ' expected'}" id="${id}">`,
    `<h3>${number}. ${escape(anomaly.name)} <small>(${escape(verdict.checker + also)})</small></h3>`,
    `<p>${escape(anomaly.what)}</p>`,
    ...(verdict.expected === undefined
      ? []
      : [`<p>Known to be so: ${escape(verdict.expected)}</p>`]),
    ...(listed.length > 0
      ? [`<p>The operations that show it:</p><ul>${listed.join('')}</ul>`]
      : []),
    ...(left > 0 ? [`<p>and ${left} more.</p>`] : []),
    ...(window === undefined ? [] : [windowPicture(window, id, led)]),
    '</section>',
  ].join('\n');
}

function faultTable({ events }: History): string {
  if (events.length === 0) return '<p>Nothing.</p>';
  const rows = events.map(({ startUs, endUs, what, proof, nothing }) => {
    const times = `<td>${formatTime(startUs)}</td><td>${formatTime(endUs)}</td>`;
    return `<tr>${times}<td>${escape(what)}</td><td>${escape(nothing ?? proof ?? '')}</td></tr>`;
  });
  return `<table><tr><th>from</th><th>to</th><th>what</th><th>what came of it</th></tr>${rows.join('')}</table>`;
}

function wordTable(): string {
  const rows = legend.map(
    ([word, meaning]) => `<tr><td>${escape(word)}</td><td>${escape(meaning)}</td></tr>`,
  );
  return `<table>${rows.join('')}</table>`;
}

/** What clients saw when the first faults began. */
function samples(history: History, led: readonly Led[]): readonly string[] {
  const moments = history.events.slice(0, faultsShownMax).map(({ startUs, what }) => ({
    title: `When it began: ${what}`,
    atUs: startUs,
  }));
  const chosen = moments.length > 0 ? moments : [{ title: 'The first operations', atUs: 0 }];
  return chosen.flatMap(({ title, atUs }, i) => {
    const window = windowAround(history, atUs);
    if (window === undefined) return [];
    const picture = windowPicture(window, `s${i}`, led);
    return [`<details><summary>${escape(title)}</summary>${picture}</details>`];
  });
}
