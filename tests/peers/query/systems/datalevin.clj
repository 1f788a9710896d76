;; Datalevin on the JVM, from the jar of its Python package:
;; `java -cp JAR clojure.main datalevin.clj VERSION DATA WORK`. It is told operations, and answers, as
;; base.py describes. Its caches of query results and of index reads are off.
(require '[clojure.java.io :as io] '[clojure.string :as string] '[jsonista.core :as json]
         '[datalevin.constants :as constants] '[datalevin.core :as d] '[datalevin.query :as query])
(load-file (str (io/file (.getParentFile (io/file *file*)) "clock.clj")))

(def single [:name :last-name :full-name :sex :age :salary])
(def schema
  (let [one (fn [type] {:db/valueType type})
        many (fn [type] {:db/valueType type :db/cardinality :db.cardinality/many})]
    (-> (zipmap [:name :last-name :full-name] (repeat (one :db.type/string)))
        (assoc :sex (one :db.type/keyword) :age (one :db.type/long) :salary (one :db.type/long)
               :alias (many :db.type/string) :follows (many :db.type/ref)))))

(def queries
  '{"q1" [:find ?e :where [?e :name "Ivan"]]
    "q2" [:find ?e ?a :where [?e :name "Ivan"] [?e :age ?a]]
    "q2-switch" [:find ?e ?a :where [?e :age ?a] [?e :name "Ivan"]]
    "q3" [:find ?e ?a :where [?e :name "Ivan"] [?e :age ?a] [?e :sex :male]]
    "q4" [:find ?e ?l ?a :where [?e :name "Ivan"] [?e :last-name ?l] [?e :age ?a] [?e :sex :male]]
    "q5-shortcircuit"
    [:find ?e ?n ?l ?a ?s ?al :in $ ?n ?a
     :where [?e :name ?n] [?e :age ?a] [?e :last-name ?l] [?e :sex ?s] [?e :alias ?al]]
    "qpred1" [:find ?e ?s :where [?e :salary ?s] [(> ?s 50000)]]
    "qpred2" [:find ?e ?s :in $ ?low :where [?e :salary ?s] [(> ?s ?low)]]
    "agg-name" [:find ?n (count ?e) :where [?e :name ?n]]
    "join-value" [:find ?x ?y :where [?x :salary ?s] [?y :salary ?s]]
    "hop2-from" [:find ?z :in $ ?x :where [?x :follows ?y] [?y :follows ?z]]
    "hop3-from" [:find ?z :in $ ?w :where [?w :follows ?x] [?x :follows ?y] [?y :follows ?z]]
    "hop2-all" [:find ?x ?z :where [?x :follows ?y] [?y :follows ?z]]})
(def rules '[[(follows ?x ?y) [?x :follows ?y]]
             [(follows ?x ?y) [?x :follows ?t] (follows ?t ?y)]])
(def reach '[:find ?y :in $ % ?x :where (follows ?x ?y)])
(def closure '[:find ?x ?y :in $ % :where (follows ?x ?y)])
(def pattern (conj single :alias))

(defn lines [data name] (string/split-lines (slurp (io/file data name))))
(defn numbers [data name] (mapv parse-long (lines data name)))
(defn edges [data name] (mapv #(mapv parse-long (string/split % #",")) (lines data name)))

(defn person [line]
  (let [read (json/read-value line json/keyword-keys-object-mapper)]
    (-> (select-keys read single)
        (assoc :db/id (long (:id read)))
        (update :sex keyword) (update :age long) (update :salary long)
        (cond-> (seq (:alias read)) (assoc :alias (vec (:alias read)))))))

(defn database [folder people follows]
  (let [options {:cache-limit 0 :kv-opts {:flags (conj constants/default-env-flags :nosync)}}
        connection (d/get-conn (str folder) schema options)]
    (d/transact! connection people)
    (d/transact! connection (mapv (fn [[start end]] [:db/add start :follows end]) follows))
    @connection))

(defn graph [data work shape]
  (let [follows (edges data (str "rules/" shape ".csv"))
        people (mapv (fn [node] {:db/id node :name "Ivan"}) (distinct (flatten follows)))]
    (database (io/file work shape) people follows)))

(defn values [tree]
  (reduce-kv (fn [sum attribute value]
               (cond (= attribute :db/id) sum (coll? value) (+ sum (count value)) :else (inc sum)))
             0 tree))
(defn nodes [tree] (reduce + 1 (map nodes (:follows tree))))

(defn run [{:keys [db pulled seeds start graph]} op]
  (let [rows (fn [& inputs] (apply d/q (queries op) db inputs))]
    (case op
      "find-datom" #(reduce (fn [sum e] (+ sum (count (:v (first (d/datoms db :eav e :full-name))))))
                            0 pulled)
      "pull-1" #(reduce (fn [sum e] (+ sum (values (d/pull db pattern e)))) 0 pulled)
      "pull-many" #(reduce + (map values (d/pull-many db pattern pulled)))
      ("hop2-from" "hop3-from") #(reduce (fn [sum e] (+ sum (count (rows e)))) 0 seeds)
      "reach" #(count (d/q reach db rules start))
      "qpred2" #(count (rows 50000))
      "q5-shortcircuit" #(count (rows "Anastasia" 35))
      "agg-name" #(let [groups (rows)] (str (count groups) "/" (reduce + (map second groups))))
      "pull-tree" (let [tree (graph "wide-4x5")] #(nodes (d/pull tree [:name {:follows '...}] 1)))
      "rules-bound-7x3" (let [tree (graph "wide-7x3")] #(count (d/q reach tree rules 3)))
      ("rules-wide-7x3" "rules-long-30x3")
      (let [one (graph (subs op (count "rules-")))] #(count (d/q closure one rules)))
      #(count (rows)))))

(let [[version data work] *command-line-args*
      state {:db (database (io/file work "main") (mapv person (lines data "people.jsonl"))
                           (edges data "follows.csv"))
             :pulled (numbers data "pull_ids.txt")
             :seeds (numbers data "hop_seeds.txt")
             :start (long (get (json/read-value (slurp (io/file data "meta.json"))) "reach_start"))
             :graph (memoize (partial graph data work))}]
  (binding [query/*cache?* false]
    (answer-all version (partial run state)))
  (shutdown-agents)
  (System/exit 0))
