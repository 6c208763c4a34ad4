// Enforces the cluster's network policies: kube-router's controller for them, without its router and its proxy.
package main

import (
	"flag"
	"strings"
	"sync"
	"time"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"github.com/cloudnativelabs/kube-router/v2/pkg/utils"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the cluster")
	node := flag.String("node", "", "name of the node")
	services := flag.String("services", "", "addresses of the cluster's services")
	flag.Parse()

	access, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	exitOn(err)
	client, err := kubernetes.NewForConfig(access)
	exitOn(err)

	config := options.NewKubeRouterConfig()
	config.HostnameOverride = *node
	config.ClusterIPCIDRs = []string{*services}
	config.EnableIPv4 = true
	rules, sets, err := netpol.NewIPTablesHandlers(config)
	exitOn(err)
	for family, handler := range rules {
		rules[family] = &remembering{IPTablesHandler: handler}
	}

	shared := informers.NewSharedInformerFactory(client, 0)
	pods := shared.Core().V1().Pods().Informer()
	namespaces := shared.Core().V1().Namespaces().Informer()
	policies := shared.Networking().V1().NetworkPolicies().Informer()
	controller, err := netpol.NewNetworkPolicyController(client, config, pods, policies, namespaces, &sync.Mutex{}, rules, sets)
	exitOn(err)
	handle(pods, controller.PodEventHandler)
	handle(namespaces, controller.NamespaceEventHandler)
	handle(policies, controller.NetworkPolicyEventHandler)
	stop := make(chan struct{})
	shared.Start(stop)
	shared.WaitForCacheSync(stop)

	// It waits until somebody has heard that it is alive.
	alive := make(chan *healthcheck.ControllerHeartbeat)
	go func() {
		for range alive {
		}
	}()
	var running sync.WaitGroup
	running.Add(1)
	controller.Run(alive, stop, &running)
}

const memory = 20 * time.Second

// Answers about rules hold for a while: before each change the controller asks for all of its own, by 17 starts of iptables,
// and nothing else on this node changes them once kube-proxy has made its own.
type remembering struct {
	utils.IPTablesHandler
	answers map[string]any
	asked   time.Time
}

func (r *remembering) Exists(table, chain string, rule ...string) (bool, error) {
	return remembered(r, append([]string{"exists", table, chain}, rule...), func() (bool, error) {
		return r.IPTablesHandler.Exists(table, chain, rule...)
	})
}

func (r *remembering) ChainExists(table, chain string) (bool, error) {
	return remembered(r, []string{"chain", table, chain}, func() (bool, error) {
		return r.IPTablesHandler.ChainExists(table, chain)
	})
}

func (r *remembering) List(table, chain string) ([]string, error) {
	return remembered(r, []string{"list", table, chain}, func() ([]string, error) {
		return r.IPTablesHandler.List(table, chain)
	})
}

func (r *remembering) AppendUnique(table, chain string, rule ...string) error {
	if exists, err := r.Exists(table, chain, rule...); exists || err != nil {
		return err
	}
	r.answers = nil
	return r.Append(table, chain, rule...)
}

func (r *remembering) Insert(table, chain string, position int, rule ...string) error {
	r.answers = nil
	return r.IPTablesHandler.Insert(table, chain, position, rule...)
}

func (r *remembering) Delete(table, chain string, rule ...string) error {
	r.answers = nil
	return r.IPTablesHandler.Delete(table, chain, rule...)
}

func (r *remembering) NewChain(table, chain string) error {
	r.answers = nil
	return r.IPTablesHandler.NewChain(table, chain)
}

func remembered[T any](r *remembering, question []string, ask func() (T, error)) (T, error) {
	if r.answers == nil || time.Since(r.asked) > memory {
		r.answers, r.asked = map[string]any{}, time.Now()
	}
	key := strings.Join(question, "\x00")
	if answer, ok := r.answers[key]; ok {
		return answer.(T), nil
	}
	answer, err := ask()
	if err == nil {
		r.answers[key] = answer
	}
	return answer, err
}

func handle(informer cache.SharedIndexInformer, handler cache.ResourceEventHandler) {
	_, err := informer.AddEventHandler(handler)
	exitOn(err)
}

func exitOn(err error) {
	if err != nil {
		klog.Fatal(err)
	}
}
