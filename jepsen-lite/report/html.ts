/** The page's looks and its few lines of script; it loads nothing. */

export function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
${body}
<div id="told" hidden></div>
<script>${script}</script>
</body>
</html>
`;
}

const style = `
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; background: #fff; margin: 2rem auto; max-width: 1240px; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
.passed { color: #17693a; } .failed { color: #b3261e; } .unknown { color: #8a5a00; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #e3e7ee; vertical-align: top; }
code, .asked { font: 12.5px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
section.anomaly { border-left: 4px solid #b3261e; padding-left: 1rem; margin: 2rem 0; }
section.expected { border-color: #8a5a00; }
.scroll { overflow-x: auto; border: 1px solid #e3e7ee; border-radius: 6px; }
svg text { font: 11px system-ui, sans-serif; fill: #44505f; } svg .small { font-size: 10px; fill: #fff; pointer-events: none; }
.ok { fill: #2c7a50; } .fail { fill: #6b7684; } .info { fill: #a85f08; } .note { fill: #2f62b0; } .led { fill: #6a3fa0; }
section.story { background: #fdf3f2; border-radius: 6px; padding: .4rem 1.2rem; font-size: 1.05em; }
.bar { cursor: pointer; stroke: #fff; stroke-width: .5; } .named { stroke: #b3261e; stroke-width: 2.5; }
.bar:hover, a:target .bar { stroke: #1c2430; stroke-width: 3; }
.band { fill: #d0402b; opacity: .12; } .grid { stroke: #e9edf3; } .mark { stroke: #b3261e; stroke-width: 2; }
.key span { display: inline-block; width: .9em; height: .9em; border-radius: 2px; margin: 0 .3em 0 1em; vertical-align: -1px; }
#told { position: fixed; left: 1rem; right: 1rem; bottom: 1rem; max-width: 1200px; margin: auto; background: #1c2430; color: #fff; padding: .7rem 1rem; border-radius: 6px; font: 12.5px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
details summary { cursor: pointer; }
`;

/** What an operation asked and was told, at the foot of the page while the pointer is on it. */
const script = `
const told = document.getElementById('told');
document.addEventListener('mouseover', (event) => {
  const bar = event.target.closest && event.target.closest('[data-told]');
  told.hidden = !bar;
  if (bar) told.textContent = bar.getAttribute('data-told');
});
document.addEventListener('click', (event) => {
  const link = event.target.closest && event.target.closest('a[href^="#"]');
  const bar = link && document.querySelector(link.getAttribute('href') + ' [data-told]');
  if (bar) { told.hidden = false; told.textContent = bar.getAttribute('data-told'); }
});
`;
