//! Any bytes are decoded or refused as the top of a tree: one by one, as columns, and by a search.
#![no_main]

use bytes::Bytes;
use duramen_index::audit::{Found, audit};
use duramen_index::pointer::{NodeHash, Pointer, Tree};
use duramen_index::range::KeyRange;
use duramen_index::{Index, Layer, Nodes, Run};
use duramen_model::{AttributeId, EntityId, Order, T, Value};
use libfuzzer_sys::fuzz_target;

const ORDERS: [Order; 4] = [Order::Eavt, Order::Aevt, Order::Avet, Order::Vaet];

fuzz_target!(|input: (u8, u8, i8, [u8; 2], &[u8])| {
    let (choice, records, net, [t_min, t_span], bytes) = input;
    let order = ORDERS[usize::from(choice & 3)];
    let layer = if choice & 4 == 0 { Layer::Current } else { Layer::History };
    let t = |t: u16| T::new(u64::from(t)).unwrap_or(T::MAX);
    let (t_min, t_max) = (t(t_min.into()), t(u16::from(t_min) + u16::from(t_span)));
    let (records, net) = (u64::from(records), i64::from(net));
    let top = Pointer {
        pack: "pack".into(),
        offset: 0,
        length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        hash: NodeHash::of(bytes),
        records,
        net,
        t_min,
        t_max,
    };
    let top_bytes = Some(Bytes::copy_from_slice(bytes));
    let height = choice >> 6;
    let tree = Tree { order, layer, top, top_bytes, height, records, net, t_min, t_max };
    let index = Index::new(order, layer).with_run(Run::tree(tree));
    let (nodes, range) = (Nodes::empty(), KeyRange::all(order));
    if let Ok(facts) = futures_executor::block_on(index.scan(&nodes, &range)) {
        assert!(facts.len() <= usize::from(u8::MAX));
    }
    let one = KeyRange::all(order).with_a(AttributeId::constant(1024));
    let one = match order {
        Order::Eavt | Order::Aevt => one.with_e(EntityId::constant(1)),
        Order::Avet | Order::Vaet => one.with_v(Value::Long(1)),
    };
    let _ = futures_executor::block_on(index.count(&nodes, &one));
    for run in index.runs() {
        let Run::Tree(run) = run else { continue };
        futures_executor::block_on(audit(run, &nodes, |found| {
            if let Found::Records(records) = found {
                assert_eq!(records.len(), usize::try_from(run.tree().records).unwrap_or(0));
            }
        }));
    }
});
