//! A harness that runs real Apache Kafka clusters.
