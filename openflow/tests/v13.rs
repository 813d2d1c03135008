//! OpenFlow 1.3 on the wire: against messages that another implementation made, against itself, against
//! hostile bytes, and against what Open vSwitch reads.

#[cfg(test)]
mod v13 {
    mod corpus;
    mod expected;
    mod generated;
    mod golden;
    mod hello;
    mod hostile;
    mod lowering;
    mod ovs;
    mod oxm;
    mod round_trip;
}
