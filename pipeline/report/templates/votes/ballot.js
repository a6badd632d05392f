// One pair of results after the other, in an order of chance; answers stay in this browser until they are downloaded.

const part = (name) => document.getElementById(name);
// Not as plain text, so that who looks at the source does not read who made what.
const data = JSON.parse(atob(part("data").textContent));
const STORE = `nst-votes-${data.grid}`;

function chance(count) {
  // Math.random would do for one voter; many begin at the same moment.
  return crypto.getRandomValues(new Uint32Array(1))[0] % count;
}

function shuffled(list) {
  const found = [...list];
  for (let last = found.length - 1; last > 0; last -= 1) {
    const other = chance(last + 1);
    [found[last], found[other]] = [found[other], found[last]];
  }
  return found;
}

function everyPair() {
  const pairs = [];
  data.scenes.forEach((scene, place) => {
    for (let one = 0; one < scene.results.length; one += 1)
      for (let other = one + 1; other < scene.results.length; other += 1)
        pairs.push(chance(2) ? { scene: place, left: one, right: other } : { scene: place, left: other, right: one });
  });
  return shuffled(pairs);
}

function identity(pair) {
  const scene = data.scenes[pair.scene];
  return [scene.content, scene.style, ...[pair.left, pair.right].map((place) => scene.results[place].join("\n")).sort()].join("\n");
}

// The pair of a vote, each result on the side on which it was voted on; undefined if the report has it no more.
function asVoted(vote) {
  const pair = pairOf.get(vote.identity);
  if (!pair) return undefined;
  const [label, digest] = data.scenes[pair.scene].results[pair.left];
  const kept = label === vote.left && digest === vote.cells?.[0];
  return kept ? pair : { scene: pair.scene, left: pair.right, right: pair.left };
}

function newBallot() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((each) => each.toString(16).padStart(8, "0")).join("");
}

let votes = [];
// Tells later downloads of these votes from votes of somebody else.
let ballot = newBallot();
let canKeep = true;

// What this browser keeps, which another tab may have changed; nothing if it keeps none or what cannot be read.
function readVotes() {
  if (!canKeep) return {};
  let text;
  try {
    text = localStorage.getItem(STORE);
  } catch {
    keepNoLonger();
    return {};
  }
  let kept;
  try {
    kept = JSON.parse(text) ?? {};
  } catch {
    return {};
  }
  if (Array.isArray(kept.votes)) votes = kept.votes;
  if (/^[0-9a-f]{32}$/.test(kept.ballot)) ballot = kept.ballot;
  return kept;
}

// From now on this tab's votes go their own way, as a ballot of their own.
function keepNoLonger() {
  canKeep = false;
  ballot = newBallot();
}

function keepVotes() {
  try {
    if (canKeep) localStorage.setItem(STORE, JSON.stringify({ votes, ballot, voter: part("voter").value }));
  } catch {
    keepNoLonger();
  }
  part("kept").textContent = canKeep
    ? "Votes are kept in this browser; download them to hand them in."
    : "This browser keeps nothing between visits: download the votes before you close the page.";
}

function changeVotes(change) {
  readVotes();
  votes = change(votes);
  keepVotes();
}

const pairs = everyPair();
const pairOf = new Map(pairs.map((pair) => [identity(pair), pair]));
let open = pairs;
// Votes of visits before can be taken back too. One whose results are no longer in the report cannot be shown again.
let behind = [];

// Sees by the votes which pairs are open. They stay in their order; those that another tab has taken back come last.
function takeStock() {
  const voted = new Set(votes.map((vote) => vote.identity));
  const listed = new Set(open.map(identity));
  const isOpen = (pair) => !voted.has(identity(pair));
  open = [...open.filter(isOpen), ...pairs.filter((pair) => isOpen(pair) && !listed.has(identity(pair)))];
  behind = votes.map(asVoted).filter(Boolean);
}

let answers = {};
let began = performance.now();

function showState() {
  part("count").textContent = `${pairs.length - open.length} of ${pairs.length} pairs are done.`;
  part("booth").hidden = open.length === 0;
  part("done").hidden = open.length > 0;
  part("skip").disabled = open.length < 2;
  part("back").disabled = behind.length === 0;
  part("export").disabled = votes.length === 0;
}

function show() {
  showState();
  const pair = open[0];
  if (!pair) return;
  const scene = data.scenes[pair.scene];
  [part("content").src, part("style").src] = scene.originals;
  part("left").src = scene.results[pair.left][2];
  part("right").src = scene.results[pair.right][2];
  answers = {};
  for (const button of document.querySelectorAll("[data-answer]")) button.setAttribute("aria-pressed", "false");
  began = performance.now();
  if (open[1]) for (const place of ["left", "right"]) new Image().src = data.scenes[open[1].scene].results[open[1][place]][2];
}

function answer(question, given) {
  answers[question] = given;
  for (const button of document.querySelectorAll(`[data-question="${question}"] [data-answer]`))
    button.setAttribute("aria-pressed", String(button.dataset.answer === given));
  if (data.questions.every((name) => answers[name])) cast();
}

function cast() {
  const pair = open[0];
  const scene = data.scenes[pair.scene];
  const [left, right] = [scene.results[pair.left], scene.results[pair.right]];
  const vote = {
    identity: identity(pair), content: scene.content, style: scene.style, left: left[0], right: right[0],
    cells: [left[1], right[1]], answers, seconds: Math.round((performance.now() - began) / 100) / 10,
  };
  changeVotes((kept) => [...kept.filter((each) => each.identity !== vote.identity), vote]);
  takeStock();
  show();
}

function back() {
  const pair = behind.at(-1);
  if (!pair) return;
  const name = identity(pair);
  changeVotes((kept) => kept.filter((each) => each.identity !== name));
  open.unshift(pair);
  takeStock();
  show();
}

function download() {
  readVotes();
  const text = JSON.stringify({
    format: "nst votes 1", grid: data.grid, title: data.title, ballot, voter: part("voter").value, written: new Date().toISOString(),
    votes: votes.map(({ identity: _, ...vote }) => vote),
  }, null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `votes-${data.grid}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

document.addEventListener("click", (event) => {
  const given = event.target.closest?.("[data-answer]");
  if (given) answer(given.parentElement.dataset.question, given.dataset.answer);
});
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
  const given = { 1: "left", 2: "same", 3: "right" }[event.key];
  const question = open.length && data.questions.find((name) => !answers[name]);
  if (given && question) answer(question, given);
  else if (event.key === "Backspace") back();
});
part("back").addEventListener("click", back);
part("skip").addEventListener("click", () => { open.push(open.shift()); show(); });
part("export").addEventListener("click", download);
part("voter").addEventListener("change", () => changeVotes((kept) => kept));
part("forget").addEventListener("click", () => {
  if (votes.length && !confirm("Throw away the votes that are kept in this browser?")) return;
  part("voter").value = "";
  ballot = newBallot();
  votes = [];
  keepVotes();
  open = everyPair();
  takeStock();
  show();
});

// Another tab has voted, or did while this page was out of sight.
function catchUp() {
  const [shown, former] = [open[0], ballot];
  const { voter } = readVotes();
  if (document.activeElement !== part("voter")) part("voter").value = voter ?? part("voter").value;
  takeStock();
  if (open[0] === shown && ballot === former) showState();
  else show();
}
addEventListener("storage", (event) => { if (event.key === STORE) catchUp(); });
addEventListener("pageshow", (event) => { if (event.persisted) catchUp(); });

part("voter").value = readVotes().voter ?? "";
keepVotes();
takeStock();
show();
