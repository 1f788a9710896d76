// DataScript for JavaScript, in memory: `node datascript.js DATA WORK`. It is told operations, and
// answers, as base.py describes.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const ds = require('datascript');
const {version} = require('datascript/package.json');

const MANY = ':db.cardinality/many';
const SCHEMA = {
  alias: {':db/cardinality': MANY},
  follows: {':db/cardinality': MANY, ':db/valueType': ':db.type/ref'},
};
const QUERIES = {
  'q1': '[:find ?e :where [?e "name" "Ivan"]]',
  'q2': '[:find ?e ?a :where [?e "name" "Ivan"] [?e "age" ?a]]',
  'q2-switch': '[:find ?e ?a :where [?e "age" ?a] [?e "name" "Ivan"]]',
  'q3': '[:find ?e ?a :where [?e "name" "Ivan"] [?e "age" ?a] [?e "sex" "male"]]',
  'q4': `[:find ?e ?l ?a
          :where [?e "name" "Ivan"] [?e "last-name" ?l] [?e "age" ?a] [?e "sex" "male"]]`,
  'q5-shortcircuit': `[:find ?e ?n ?l ?a ?s ?al :in $ ?n ?a
          :where [?e "name" ?n] [?e "age" ?a] [?e "last-name" ?l] [?e "sex" ?s] [?e "alias" ?al]]`,
  'qpred1': '[:find ?e ?s :where [?e "salary" ?s] [(> ?s 50000)]]',
  'qpred2': '[:find ?e ?s :in $ ?low :where [?e "salary" ?s] [(> ?s ?low)]]',
  'agg-name': '[:find ?n (count ?e) :where [?e "name" ?n]]',
  'join-value': '[:find ?x ?y :where [?x "salary" ?s] [?y "salary" ?s]]',
  'hop2-from': '[:find ?z :in $ ?x :where [?x "follows" ?y] [?y "follows" ?z]]',
  'hop3-from': '[:find ?z :in $ ?w :where [?w "follows" ?x] [?x "follows" ?y] [?y "follows" ?z]]',
  'hop2-all': '[:find ?x ?z :where [?x "follows" ?y] [?y "follows" ?z]]',
};
const RULES = `[[(follows ?x ?y) [?x "follows" ?y]]
                [(follows ?x ?y) [?x "follows" ?t] (follows ?t ?y)]]`;
const REACH = '[:find ?y :in $ % ?x :where (follows ?x ?y)]';
const CLOSURE = '[:find ?x ?y :in $ % :where (follows ?x ?y)]';
const PULL = '["name" "last-name" "full-name" "sex" "age" "salary" "alias"]';
const PULL_TREE = '["name" {"follows" ...}]';
const BATCH_MS = 20, ONCE_MS = 20000;

const lines = (folder, name) =>
  fs.readFileSync(path.join(folder, name), 'utf8').trimEnd().split('\n');
const edges = (folder, name) => lines(folder, name).map((line) => line.split(',').map(Number));

function database(people, follows) {
  const entities = people.map(({id, ...attributes}) => ({':db/id': id, ...attributes}));
  const db = ds.db_with(ds.empty_db(SCHEMA), entities);
  return ds.db_with(db, follows.map(([start, end]) => [':db/add', start, 'follows', end]));
}

const valuesOf = (tree) => Object.entries(tree)
  .filter(([attribute]) => attribute !== ':db/id')
  .reduce((sum, [, value]) => sum + (Array.isArray(value) ? value.length : 1), 0);
const nodesOf = (tree) =>
  (tree.follows ?? []).reduce((sum, child) => sum + nodesOf(child), 1);
const total = (items, of) => items.reduce((sum, item) => sum + of(item), 0);

class Operations {
  constructor(folder) {
    this.folder = folder;
    this.people = lines(folder, 'people.jsonl').map((line) => JSON.parse(line));
    this.db = database(this.people, edges(folder, 'follows.csv'));
    this.pulled = lines(folder, 'pull_ids.txt').map(Number);
    this.seeds = lines(folder, 'hop_seeds.txt').map(Number);
    this.start = JSON.parse(fs.readFileSync(path.join(folder, 'meta.json'))).reach_start;
    this.graphs = {};
  }

  graph(shape) {
    return this.graphs[shape] ??= (() => {
      const follows = edges(this.folder, `rules/${shape}.csv`);
      const nodes = [...new Set(follows.flat())];
      return database(nodes.map((id) => ({id, name: 'Ivan'})), follows);
    })();
  }

  run(op) {
    const {db, pulled} = this;
    const rows = (...inputs) => ds.q(QUERIES[op], db, ...inputs);
    switch (op) {
      case 'find-datom':
        return () => total(pulled, (e) => ds.datoms(db, ':eavt', e, 'full-name')[0].v.length);
      case 'pull-1': return () => total(pulled, (e) => valuesOf(ds.pull(db, PULL, e)));
      case 'pull-many': return () => total(ds.pull_many(db, PULL, pulled), valuesOf);
      case 'hop2-from': case 'hop3-from': return () => total(this.seeds, (e) => rows(e).length);
      case 'reach': return () => ds.q(REACH, db, RULES, this.start).length;
      case 'qpred2': return () => rows(50000).length;
      case 'q5-shortcircuit': return () => rows('Anastasia', 35).length;
      case 'agg-name': return () => {
        const groups = rows();
        return `${groups.length}/${total(groups, ([, count]) => count)}`;
      };
      case 'pull-tree': {
        const tree = this.graph('wide-4x5');
        return () => nodesOf(ds.pull(tree, PULL_TREE, 1));
      }
      case 'rules-bound-7x3': {
        const graph = this.graph('wide-7x3');
        return () => ds.q(REACH, graph, RULES, 3).length;
      }
    }
    if (op.startsWith('rules-')) {
      const graph = this.graph(op.slice('rules-'.length));
      return () => ds.q(CLOSURE, graph, RULES).length;
    }
    return () => rows().length;
  }
}

function timed(run, batch) {
  global.gc?.();
  const begun = process.hrtime.bigint();
  let count;
  for (let index = 0; index < batch; index++) count = run();
  return [Number(process.hrtime.bigint() - begun) / 1e6 / batch, count];
}

function measure(run, warm, budget) {
  let [best, count] = timed(run, 1);
  if (best > ONCE_MS) return {ms: best, runs: 1, count};
  const batch = () => Math.max(1, Math.ceil(BATCH_MS / best));
  for (let spent = best; spent < warm;) {
    const size = batch();
    const [took] = timed(run, size);
    best = Math.min(best, took);
    spent += took * size;
  }
  const size = batch(), times = [];
  for (let spent = 0; !times.length || spent < budget; spent += times.at(-1) * size) {
    const [took, found] = timed(run, size);
    times.push(took);
    count = found;
  }
  times.sort((a, b) => a - b);
  return {ms: times[times.length >> 1], runs: size * times.length, count};
}

const say = (answer) => fs.writeSync(1, JSON.stringify(answer) + '\n');
const operations = new Operations(process.argv[2]);
say({ready: `DataScript ${version}`});
readline.createInterface({input: process.stdin}).on('line', (line) => {
  const [op, warm, budget] = line.split(' ');
  try {
    say(measure(operations.run(op), Number(warm), Number(budget)));
  } catch (error) {
    say({error: String(error).slice(0, 300)});
  }
});
