;; Datalevin on the package index, as it is on people: see ../datalevin.clj.
(require '[clojure.java.io :as io] '[clojure.string :as string] '[jsonista.core :as json]
         '[datalevin.constants :as constants] '[datalevin.core :as d] '[datalevin.query :as query])
(load-file (str (io/file (.getParentFile (.getParentFile (io/file *file*))) "clock.clj")))

(def types
  {:package/installed-kib :db.type/long :package/file-bytes :db.type/long
   :package/maintainer :db.type/ref :package/depends :db.type/ref})
(def texts
  [:package/version :package/architecture :package/section :package/priority :package/summary
   :package/homepage :package/sha256 :package/tags])
(def schema
  (-> (zipmap texts (repeat {:db/valueType :db.type/string}))
      (into (map (fn [[attribute type]] [attribute {:db/valueType type}]) types))
      (into (zipmap [:package/name :maintainer/address]
                    (repeat {:db/valueType :db.type/string :db/unique :db.unique/identity})))
      (assoc-in [:package/depends :db/cardinality] :db.cardinality/many)
      (assoc-in [:package/tags :db/cardinality] :db.cardinality/many)))

(def queries
  '{"section" [:find ?n ?k :in $ ?section
               :where [?p :package/section ?section] [?p :package/name ?n] [?p :package/installed-kib ?k]]
    "needed-by" [:find ?n :in $ ?needed
                 :where [?d :package/name ?needed] [?p :package/depends ?d] [?p :package/name ?n]]
    "maintainers" [:find ?a (count ?p) :where [?p :package/maintainer ?m] [?m :maintainer/address ?a]]
    "other-section" [:find ?n ?o
                     :where [?p :package/depends ?d] [?p :package/section ?s] [?d :package/section ?r]
                     [(not= ?s ?r)] [?p :package/name ?n] [?d :package/name ?o]]
    "same-version" [:find ?n ?o :in $ ?section
                    :where [?p :package/section ?section] [?p :package/version ?v]
                    [?q :package/version ?v] [?q :package/section ?r] [(not= ?r ?section)]
                    [?p :package/name ?n] [?q :package/name ?o]]
    "text" [:find ?n :in $ ?word
            :where [?p :package/summary ?s] [(clojure.string/includes? ?s ?word)] [?p :package/name ?n]]
    "priorities" [:find ?v (count ?p) :where [?p :package/priority ?v]]
    "sizes" [:find ?s (sum ?k) :with ?p :where [?p :package/section ?s] [?p :package/installed-kib ?k]]})
(def needs '[:find ?n :in $ % ?package
             :where [?p :package/name ?package] (needs ?p ?d) [?d :package/name ?n]])
(def rules '[[(needs ?p ?d) [?p :package/depends ?d]]
             [(needs ?p ?d) [?p :package/depends ?x] (needs ?x ?d)]])
(def version '[:find ?v . :in $ ?name :where [?p :package/name ?name] [?p :package/version ?v]])

(defn database [folder data]
  (let [options {:cache-limit 0 :kv-opts {:flags (conj constants/default-env-flags :nosync)}}
        datom (fn [line] (let [[e a v] (json/read-value line)]
                           (d/datom (long e) (keyword a) (if (number? v) (long v) v))))
        lines (line-seq (io/reader (io/file data "facts.jsonl")))]
    (d/init-db (map datom lines) (str folder) schema options)))

(defn counted [rows] (str (count rows) "/" (reduce + (map second rows))))
(defn most [rows] (take 10 (sort-by (juxt (comp - second) first) rows)))

(defn prepared [db meta op]
  (let [rows (fn [& inputs] (apply d/q (queries op) db (map meta inputs)))]
    (case op
      "versions" #(reduce (fn [sum name] (+ sum (count (d/q version db name)))) 0 (meta "names"))
      "needs" #(count (d/q needs db rules (meta "package")))
      "section" #(counted (rows "section"))
      "needed-by" #(count (rows "needed"))
      "same-version" #(count (rows "section"))
      "text" #(count (rows "word"))
      "priorities" #(counted (rows))
      ("maintainers" "sizes") #(counted (most (rows)))
      #(count (rows)))))

(let [[version data work] *command-line-args*
      db (database (io/file work "packages") data)
      meta (json/read-value (slurp (io/file data "meta.json")))]
  (binding [query/*cache?* false]
    (answer-all version (partial prepared db meta)))
  (shutdown-agents)
  (System/exit 0))
