import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Kafka's own clients, for the tests: `create`, `dump`, `produce` and `committed`, each for the broker in the first argument. */
public class Tool {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", args[0]);
        switch (args[1]) {
            case "create" -> create(properties, args);
            case "dump" -> dump(properties, args[2]);
            case "produce" -> produce(properties, args);
            case "committed" -> committed(properties, args[2]);
            default -> throw new IllegalArgumentException(args[1]);
        }
    }

    /** create PARTITIONS KEY=VALUE,… TOPIC… */
    static void create(Properties properties, String[] args) throws Exception {
        Map<String, String> settings = new java.util.HashMap<>();
        for (String pair : args[3].split(",")) {
            if (!pair.isEmpty()) {
                settings.put(pair.split("=")[0], pair.split("=")[1]);
            }
        }
        List<NewTopic> topics = new ArrayList<>();
        for (int i = 4; i < args.length; i++) {
            topics.add(new NewTopic(args[i], Integer.parseInt(args[2]), (short) 1).configs(settings));
        }
        try (Admin admin = Admin.create(properties)) {
            admin.createTopics(topics).all().get();
        }
    }

    /** All records of a topic, one a line, in JSON. */
    static void dump(Properties properties, String topic) {
        properties.put("isolation.level", "read_committed");
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> all = consumer.partitionsFor(topic).stream()
                .map(info -> new TopicPartition(topic, info.partition())).toList();
            consumer.assign(all);
            consumer.seekToBeginning(all);
            Map<TopicPartition, Long> ends = consumer.endOffsets(all);
            while (all.stream().anyMatch(one -> consumer.position(one) < ends.get(one))) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    System.out.println(json(record));
                }
            }
        }
    }

    static String json(ConsumerRecord<byte[], byte[]> record) {
        List<String> headers = new ArrayList<>();
        for (Header header : record.headers()) {
            headers.add("[\"" + base64(header.key().getBytes()) + "\",\"" + base64(header.value()) + "\"]");
        }
        String key = record.key() == null ? "null" : "\"" + base64(record.key()) + "\"";
        return "{\"partition\":" + record.partition() + ",\"offset\":" + record.offset() + ",\"key\":" + key
            + ",\"value\":\"" + base64(record.value()) + "\",\"headers\":"
            + headers.stream().collect(Collectors.joining(",", "[", "]")) + "}";
    }

    static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes == null ? new byte[0] : bytes);
    }

    /** produce TOPIC PARTITION VALUE…, each in base64; HEADER=VALUE among them is a header of those that follow. */
    static void produce(Properties properties, String[] args) throws Exception {
        properties.put("max.request.size", "10000000");
        try (var producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            List<String[]> headers = new ArrayList<>();
            for (int i = 4; i < args.length; i++) {
                if (args[i].startsWith("header:")) {
                    headers.add(args[i].substring("header:".length()).split("=", 2));
                    continue;
                }
                byte[] value = Base64.getDecoder().decode(args[i]);
                var record = new ProducerRecord<byte[], byte[]>(args[2], Integer.parseInt(args[3]), null, value);
                for (String[] header : headers) {
                    record.headers().add(header[0], header[1].getBytes());
                }
                producer.send(record).get();
            }
        }
    }

    /** What a group has committed: `topic partition offset`. */
    static void committed(Properties properties, String group) throws Exception {
        try (Admin admin = Admin.create(properties)) {
            admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().forEach((partition, offset) -> {
                if (offset != null) {
                    System.out.println(partition.topic() + " " + partition.partition() + " " + offset.offset());
                }
            });
        }
    }
}
