//! What the switches of a scene hold.

use super::*;

impl Ground<'_> {
    pub(super) fn fill_source(&mut self, random: &mut Random) {
        let all = stations(self.wiring);
        let tables = random.within(1..=3) as u8;
        for number in 1..=random.below(3) as u32 {
            self.meter(SOURCE, number);
        }
        for (dpid, host) in all {
            if random.chance(25) {
                continue;
            }
            let out = self.towards(SOURCE, dpid, random).unwrap();
            let pattern = any_pattern(Pattern::new().eth_dst(mac(dpid, host)), random);
            let pattern = match random.chance(15) {
                true => pattern.in_port(self.any_port(SOURCE, random)),
                false => pattern,
            };
            // Entries that overlap have different priorities: else it is not defined which takes a packet.
            let priority = 2 * random.within(5..=20) as u16;
            self.forwarding(priority, pattern, out, tables, random);
        }
        let wide = if self.odd.wide {
            1 + random.below(2)
        } else {
            0
        };
        for place in 0..wide {
            let priority = (12 * random.within(0..=5) + 2 * place + 1) as u16;
            let pattern = match random.below(4) {
                0 => Pattern::new(),
                1 => Pattern::new().in_port(self.any_port(SOURCE, random)),
                2 => Pattern::new().eth_type(0x0800),
                _ => Pattern::new().with(Field::VlanVid, 0x1005),
            };
            let actions = match random.below(9) {
                0 | 1 => Vec::new(),
                2 => vec![Action::output(PortNo::CONTROLLER)],
                3 => vec![Action::output(PortNo::IN_PORT)],
                4 => vec![Action::output(PortNo::FLOOD)],
                5 => vec![Action::output(PortNo::ALL)],
                _ => vec![Action::output(self.any_port(SOURCE, random))],
            };
            let rule = FlowRule::new(priority, pattern, actions);
            self.add(SOURCE, with_trimmings(rule, random));
        }
        for table in 1..tables {
            if random.chance(50) {
                let rule =
                    FlowRule::new(0, Pattern::new(), vec![Action::output(PortNo::CONTROLLER)]);
                self.add(
                    SOURCE,
                    FlowRule {
                        table: TableId(table),
                        ..rule
                    },
                );
            }
        }
    }

    fn meter(&mut self, dpid: DatapathId, number: u32) {
        let add = MeterMod {
            command: MeterCommand::Add,
            flags: MeterFlags::KBPS,
            meter: MeterId(number),
            bands: vec![MeterBand::Drop {
                rate: 1000 + number,
                burst: 0,
            }],
        };
        self.fabric.change(dpid, &add.into()).unwrap();
    }

    /// Entries of the source that send packets out of a port, in one of the ways that there are.
    fn forwarding(
        &mut self,
        priority: u16,
        pattern: Pattern,
        out: PortNo,
        tables: u8,
        random: &mut Random,
    ) {
        let apply = |actions| vec![Instruction::ApplyActions(actions)];
        let write = |actions| Instruction::WriteActions(actions);
        let output = Action::output(out);
        let tag = Action::SetField {
            field: Field::VlanVid,
            value: 0x1007,
        };
        let later = (tables > 1).then(|| TableId(random.within(1..=usize::from(tables) - 1) as u8));
        let mut rule = FlowRule::new(priority, pattern.clone(), vec![output.clone()]);
        match (random.below(9), later) {
            (0, _) => {
                let group = self.any_group(out, random);
                rule.instructions = apply(vec![group]);
            }
            (1, _) => {
                let group = self.any_group(out, random);
                rule.instructions = vec![write(vec![group])];
            }
            (2, _) => rule.instructions = apply(vec![Action::PushVlan(0x8100), tag, output]),
            (3, _) => {
                let meters: Vec<MeterId> = self.fabric.switches[&SOURCE]
                    .meters
                    .keys()
                    .copied()
                    .collect();
                if !meters.is_empty() {
                    rule.instructions
                        .insert(0, Instruction::Meter(*random.pick(&meters)));
                }
            }
            (4, Some(table)) => {
                rule.instructions = vec![write(vec![output]), Instruction::GotoTable(table)];
                let after = FlowRule::new(5, Pattern::new(), Vec::new());
                self.add(SOURCE, FlowRule { table, ..after });
            }
            (5 | 6, Some(table)) => {
                let value = u64::from(out.0);
                rule.instructions = vec![
                    Instruction::WriteMetadata { value, mask: 0xff },
                    Instruction::GotoTable(table),
                ];
                let pattern = Pattern::new().with_masked(Field::Metadata, value.into(), 0xff);
                let then = FlowRule::new(random.within(20..=30) as u16, pattern, vec![output]);
                self.add(SOURCE, FlowRule { table, ..then });
            }
            (7, _) if self.odd.copies => {
                let copy = Action::output(self.any_port(SOURCE, random));
                if copy != output {
                    rule.instructions = apply(vec![output, copy]);
                }
            }
            _ => {}
        }
        self.add(SOURCE, with_trimmings(rule, random));
    }

    /// A group that sends packets out of a port, perhaps out of others too, perhaps through another group.
    fn any_group(&mut self, out: PortNo, random: &mut Random) -> Action {
        let bucket = |actions| Bucket {
            weight: 0,
            watch_port: None,
            watch_group: None,
            actions,
        };
        let other = self.any_port(SOURCE, random);
        let number = self.next_group(SOURCE);
        match random.below(6) {
            0 => {
                let inner = self.group(
                    SOURCE,
                    number,
                    GroupType::Indirect,
                    vec![bucket(vec![Action::output(out)])],
                );
                self.group(
                    SOURCE,
                    number + 1,
                    GroupType::Indirect,
                    vec![bucket(vec![inner])],
                )
            }
            1 => {
                let both = [out, other].map(|port| Bucket {
                    weight: 1,
                    ..bucket(vec![Action::output(port)])
                });
                self.group(SOURCE, number, GroupType::Select, both.to_vec())
            }
            2 => {
                let watched = [other, out].map(|port| Bucket {
                    watch_port: Some(port),
                    ..bucket(vec![Action::output(port)])
                });
                self.group(SOURCE, number, GroupType::FastFailover, watched.to_vec())
            }
            3 => {
                let tag = Action::SetField {
                    field: Field::VlanVid,
                    value: 0x1009,
                };
                let tagged = bucket(vec![Action::PushVlan(0x8100), tag, Action::output(out)]);
                self.group(SOURCE, number, GroupType::Indirect, vec![tagged])
            }
            4 if self.odd.copies && random.chance(40) => {
                let flood = bucket(vec![Action::output(PortNo::FLOOD)]);
                self.group(SOURCE, number, GroupType::All, vec![flood])
            }
            _ => {
                let mut ports = BTreeSet::from([out]);
                ports.extend(self.odd.copies.then_some(other));
                let all = ports
                    .into_iter()
                    .map(|port| bucket(vec![Action::output(port)]));
                self.group(SOURCE, number, GroupType::All, all.collect())
            }
        }
    }

    pub(super) fn fill_target(&mut self, random: &mut Random) {
        if self.wiring.cabled(TARGET).next().is_none() || random.chance(50) {
            return;
        }
        let bucket = Bucket {
            weight: 0,
            watch_port: None,
            watch_group: None,
            actions: Vec::new(),
        };
        for number in 1..=random.below(3) as u32 {
            self.group(TARGET, number, GroupType::All, vec![bucket.clone()]);
            self.meter(TARGET, number);
        }
        for _ in 0..random.below(3) {
            let station = match self.odd.meets {
                true => mac(*random.pick(&self.wiring.around().collect::<Vec<_>>()), 0),
                false => MacAddr([2, 0, 0, 9, 9, 9]),
            };
            let pattern = Pattern::new().eth_dst(station);
            let out = Action::output(self.any_port(TARGET, random));
            self.add(
                TARGET,
                FlowRule::new(random.within(1..=60) as u16, pattern, vec![out]),
            );
        }
    }

    pub(super) fn fill_neighbour(&mut self, dpid: DatapathId, random: &mut Random) {
        for host in 0..HOSTS {
            let mut pattern = Pattern::new().eth_dst(mac(dpid, host));
            if random.chance(20) {
                let from = self.towards(dpid, SOURCE, random).unwrap();
                pattern = pattern.in_port(from);
            }
            let out = vec![Action::output(host_port(host))];
            let rule = FlowRule::new(30, pattern, out);
            self.add(dpid, with_trimmings(rule, random));
        }
        let bucket = |port: PortNo| Bucket {
            weight: 1,
            watch_port: None,
            watch_group: None,
            actions: vec![Action::output(port)],
        };
        for (other, host) in stations(self.wiring) {
            if other == dpid || random.chance(20) {
                continue;
            }
            let out = self.towards(dpid, SOURCE, random).unwrap();
            let mut pattern = any_pattern(Pattern::new().eth_dst(mac(other, host)), random);
            if random.chance(20) {
                pattern = pattern.in_port(host_port(0));
            }
            let mut rule = FlowRule::new(20, pattern, vec![Action::output(out)]);
            let number = self.next_group(dpid);
            match random.below(12) {
                0 => {
                    let again = self.towards(dpid, SOURCE, random).unwrap();
                    let group = self.group(
                        dpid,
                        number,
                        GroupType::Select,
                        vec![bucket(out), bucket(again)],
                    );
                    rule.instructions = vec![Instruction::ApplyActions(vec![group])];
                }
                1 => {
                    let both = vec![bucket(out), bucket(host_port(1))];
                    let group = self.group(dpid, number, GroupType::All, both);
                    rule.instructions = vec![Instruction::WriteActions(vec![group])];
                }
                2 => {
                    rule.instructions = vec![
                        Instruction::WriteActions(vec![Action::output(out)]),
                        Instruction::GotoTable(TableId(1)),
                    ];
                    let next = FlowRule::new(1, Pattern::new(), Vec::new());
                    self.add(
                        dpid,
                        FlowRule {
                            table: TableId(1),
                            ..next
                        },
                    );
                }
                3 if self.odd.neighbours => {
                    let direct = self.towards(dpid, TARGET, random).unwrap_or(out);
                    let actions = vec![Action::output(out), Action::output(direct)];
                    rule.instructions = vec![Instruction::ApplyActions(actions)];
                }
                4 if self.odd.neighbours => {
                    rule.instructions = vec![Instruction::ApplyActions(vec![Action::output(
                        PortNo::FLOOD,
                    )])];
                }
                _ => {}
            }
            self.add(dpid, with_trimmings(rule, random));
        }
    }
}

fn any_pattern(pattern: Pattern, random: &mut Random) -> Pattern {
    match random.below(6) {
        0 => pattern
            .eth_type(0x0800)
            .with(Field::Ipv4Dst, random.within(1..=2) as u128),
        1 => pattern
            .eth_type(0x0800)
            .with_masked(Field::Ipv4Dst, 0, 0xffff_fffc),
        2 => pattern.with(Field::VlanVid, 0),
        _ => pattern,
    }
}

fn with_trimmings(mut rule: FlowRule, random: &mut Random) -> FlowRule {
    rule.cookie = Cookie(random.within(1..=5) as u64);
    if random.chance(20) {
        rule.idle_timeout = 30;
    }
    if random.chance(20) {
        rule.hard_timeout = if random.chance(50) { 5 } else { 60 };
    }
    rule
}
