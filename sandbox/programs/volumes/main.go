// Gives a claim a directory on the node, like the provisioner of minikube's standard class, and can also "grow" it:
// a directory has no size, so a bigger request is only written down.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the cluster")
	name := flag.String("provisioner", "", "the storage classes with this provisioner are ours")
	root := flag.String("directory", "", "where the volumes' directories are made")
	node := flag.String("node", "", "the node of volumes that no pod has chosen a node for")
	flag.Parse()

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		klog.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		klog.Fatal(err)
	}

	ctx := context.Background()
	shared := informers.NewSharedInformerFactory(client, time.Minute)
	claims := shared.Core().V1().PersistentVolumeClaims().Informer()
	grow := func(object any) {
		if claim, ok := object.(*v1.PersistentVolumeClaim); ok {
			if err := growClaim(ctx, client, *name, claim); err != nil {
				klog.Errorf("%s/%s cannot grow: %v", claim.Namespace, claim.Name, err)
			}
		}
	}
	if _, err := claims.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    grow,
		UpdateFunc: func(_, object any) { grow(object) },
	}); err != nil {
		klog.Fatal(err)
	}
	provisioner := controller.NewProvisionController(ctx, client, *name, directories{*root, *node},
		controller.LeaderElection(false),
		controller.ClaimsInformer(claims),
		// A claim that cannot be had now is tried again soon: there is no cloud behind it to spare.
		controller.ExponentialBackOffOnError(false),
	)
	shared.Start(ctx.Done())
	provisioner.Run(ctx)
}

// All nodes see the same disk. That a volume is on one of them is only what its node affinity says.
type directories struct{ root, node string }

func (d directories) Provision(_ context.Context, options controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	claim := options.PVC
	if mode := claim.Spec.VolumeMode; mode != nil && *mode != v1.PersistentVolumeFilesystem {
		return nil, controller.ProvisioningFinished, fmt.Errorf("a directory is no block device")
	}
	path := filepath.Join(d.root, strings.Join([]string{claim.Namespace, claim.Name, options.PVName}, "-"))
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	// Once more, since the umask has had its say: any user in a pod may write, as on minikube.
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   claim.Spec.AccessModes,
			MountOptions:                  options.StorageClass.MountOptions,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: claim.Spec.Resources.Requests[v1.ResourceStorage]},
			NodeAffinity:                  d.affinityOf(options),
			PersistentVolumeSource:        v1.PersistentVolumeSource{HostPath: &v1.HostPathVolumeSource{Path: path}},
		},
	}, controller.ProvisioningFinished, nil
}

// affinityOf ties a volume to one node, unless its class says that any node can mount it, as if over a network.
func (d directories) affinityOf(options controller.ProvisionOptions) *v1.VolumeNodeAffinity {
	if options.StorageClass.Parameters["network"] == "true" {
		return nil
	}
	node := d.node
	if options.SelectedNodeName != "" {
		node = options.SelectedNodeName
	}
	terms := []v1.NodeSelectorTerm{{MatchExpressions: []v1.NodeSelectorRequirement{
		{Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{node}},
	}}}
	return &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: terms}}
}

func (d directories) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	if volume.Spec.HostPath == nil {
		return &controller.IgnoredError{Reason: "it has no directory"}
	}
	path := filepath.Clean(volume.Spec.HostPath.Path)
	// The path comes from the cluster: whoever may write volumes there must not choose what is deleted here.
	if filepath.Dir(path) != filepath.Clean(d.root) {
		return fmt.Errorf("%s is not directly in %s: left alone", path, d.root)
	}
	return os.RemoveAll(path)
}

// growClaim does what an external resizer does for volumes that need no work. Whether a claim may ask for more at all,
// the API server has decided by its class before.
func growClaim(ctx context.Context, client kubernetes.Interface, provisioner string, claim *v1.PersistentVolumeClaim) error {
	wanted := claim.Spec.Resources.Requests[v1.ResourceStorage]
	has := claim.Status.Capacity[v1.ResourceStorage]
	if claim.Status.Phase != v1.ClaimBound || wanted.Cmp(has) <= 0 {
		return nil
	}
	volume, err := client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if volume.Annotations["pv.kubernetes.io/provisioned-by"] != provisioner {
		return nil
	}
	volume.Spec.Capacity[v1.ResourceStorage] = wanted
	if _, err := client.CoreV1().PersistentVolumes().Update(ctx, volume, metav1.UpdateOptions{}); err != nil {
		return err
	}
	grown := claim.DeepCopy()
	grown.Status.Capacity[v1.ResourceStorage] = wanted
	grown.Status.Conditions = nil
	_, err = client.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, grown, metav1.UpdateOptions{})
	return err
}
