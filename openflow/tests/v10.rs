//! OpenFlow 1.0 on the wire: against messages that another implementation made, against itself, against
//! hostile bytes, and against what Open vSwitch reads.

#[cfg(test)]
mod v10 {
    mod corpus;
    mod expected;
    mod generated;
    mod golden;
    mod hostile;
    mod lowering;
    mod ovs;
    mod raising;
    mod round_trip;
}
