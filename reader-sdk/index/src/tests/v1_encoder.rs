//! Nodes as version 1 wrote them: of a history whose values are all integers.

use duramen_model::{Order, Value};

use crate::wire::{put_bytes, put_varint, zigzag};
use crate::{Pointer, Record, State};

fn header(level: u8, order: Order, count: usize) -> Vec<u8> {
    let order = if order == Order::Eavt { 1 } else { 2 };
    let mut bytes = vec![1, level, order, 2];
    put_varint(&mut bytes, count as u64);
    bytes
}

/// A column of integers as differences.
fn integers(out: &mut Vec<u8>, values: impl Iterator<Item = u64>) {
    out.push(1);
    let mut before = 0_u64;
    for value in values {
        put_varint(out, zigzag(value.wrapping_sub(before) as i64));
        before = value;
    }
}

fn keys(out: &mut Vec<u8>, records: &[Record]) {
    let mut fields: Vec<u64> = records.iter().map(|record| record.a.get()).collect();
    fields.sort_unstable();
    fields.dedup();
    let place = |record: &Record| fields.partition_point(|a| *a < record.a.get());
    integers(out, records.iter().map(|record| record.e.get()));
    put_varint(out, fields.len() as u64);
    integers(out, fields.iter().copied());
    // Integers of 64 bits.
    out.extend(fields.iter().map(|_| 2));
    if fields.len() > 1 {
        integers(out, records.iter().map(|record| place(record) as u64));
    }
    integers(out, records.iter().map(|record| record.added.get()));
    for field in 0..fields.len() {
        out.push(1);
        let values = records.iter().filter(|record| place(record) == field);
        integers(
            out,
            values.map(|record| if let Value::Long(v) = record.v { v as u64 } else { 0 }),
        );
    }
}

pub(super) fn leaf(order: Order, records: &[Record]) -> Vec<u8> {
    let mut bytes = header(0, order, records.len());
    keys(&mut bytes, records);
    // All closed.
    bytes.push(2);
    let closed = |record: &Record| if let State::Closed(t) = record.state { t.get() } else { 0 };
    integers(&mut bytes, records.iter().map(closed));
    bytes
}

pub(super) fn branch(order: Order, level: u8, children: &[(Record, Pointer)]) -> Vec<u8> {
    let mut bytes = header(level, order, children.len());
    let separators: Vec<Record> = children.iter().map(|(record, _)| record.clone()).collect();
    keys(&mut bytes, &separators);
    put_varint(&mut bytes, 1);
    put_bytes(&mut bytes, children[0].1.pack.as_bytes());
    let mut column = |of: fn(&Pointer) -> u64| {
        integers(&mut bytes, children.iter().map(|(_, pointer)| of(pointer)));
    };
    column(|_| 0);
    column(|pointer| pointer.offset);
    column(|pointer| u64::from(pointer.length));
    column(|pointer| pointer.records);
    column(|pointer| pointer.net as u64);
    column(|pointer| pointer.t_min.get());
    column(|pointer| pointer.t_max.get());
    children.iter().for_each(|(_, pointer)| bytes.extend(pointer.hash.as_bytes()));
    bytes
}
